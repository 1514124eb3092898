/** What the tests of erasures share: the truth set made erasable, and looks at everything that is left. */
import type { Sql } from 'postgres';
import { executeErasure } from '../../../supabase/functions/_shared/account/erase/execute-erasure.ts';
import { requestErasure } from '../../../supabase/functions/_shared/account/erase/request-erasure.ts';
import { newToken, tokenHash } from '../../../supabase/functions/_shared/account/erase/secret-token.ts';
import type { FunctionMeans } from '../../../supabase/functions/account/route.ts';
import { TRUTH_TABLES, type TruthUser } from '../../support/subject-truth-set.ts';

/** What an owner would do after the first plan has named the constraints that stand in the way. */
export async function unblockTruthSet(sql: Sql): Promise<void> {
  await sql.unsafe(`
    alter table public.moderation_queue drop constraint moderation_queue_user_id_fkey,
      add foreign key (user_id) references auth.users on delete cascade;
    alter table public.invoices drop constraint invoices_user_id_fkey,
      add foreign key (user_id) references auth.users on delete set null;
    alter table public.comments drop constraint comments_parent_id_fkey,
      add foreign key (parent_id) references public.comments on delete set null;
    alter table public.bookings drop constraint bookings_service_id_fkey,
      add foreign key (service_id) references public.services on delete set null;
    alter table public.team_members drop constraint team_members_team_id_fkey,
      add foreign key (team_id) references public.teams on delete set null;
    alter table public.teams drop constraint teams_lead_no_fkey, add foreign key (lead_no) references public.team_members;
    update backup.subject_column set anonymise = 'placeholder' where table_name = 'bookings' and column_name = 'customer_email';
    update backup.subject_column set unless_own = 'customer_id' where table_name = 'bookings' and column_name = 'note';
  `);
}

/** Columns that foreign keys set to null in rows of others. */
export const UNLINKED = ['parent_id', 'service_id', 'team_id'];

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Every row of every table of the truth set that is none of these users', as texts; by table. */
export async function rowsOfOthers(sql: Sql, users: readonly TruthUser[]): Promise<Map<string, string[]>> {
  return await rowsWhere(sql, (mine) => `not coalesce(${users.map((user) => `(${mine(user)})`).join(' or ')}, false)`);
}

export async function allRows(sql: Sql): Promise<Map<string, string[]>> {
  return await rowsWhere(sql, () => 'true');
}

async function rowsWhere(
  sql: Sql,
  condition: (mine: (user: TruthUser) => string) => string,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const without = UNLINKED.map((column) => ` - '${column}'`).join('');
  for (const { schema, table, mine } of TRUTH_TABLES) {
    const rows = await sql.unsafe(
      `select (to_jsonb(t)${without})::text as row from ${quote(schema)}.${quote(table)} t where ${condition(mine)} order by 1`,
    );
    found.set(
      `${schema}.${table}`,
      rows.map(({ row }) => row as string),
    );
  }
  return found;
}

/** Rows of any table in which one of the texts stands, in any column; our own ledger aside. */
export async function tracesOf(sql: Sql, texts: readonly string[]): Promise<string[]> {
  const tables = await sql`
    select n.nspname as schema, c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'net', 'cron', 'vault')`;
  const traces: string[] = [];
  for (const { schema, name } of tables) {
    const [row] = await sql.unsafe(
      `select count(*)::int as n from ${quote(schema)}.${quote(name)} t
       where exists (select from unnest($1::text[]) as x where strpos(lower(to_jsonb(t)::text), lower(x)) > 0)`,
      [texts as string[]],
    );
    if (row!.n > 0) traces.push(`${schema}.${name}: ${row!.n}`);
  }
  return traces;
}

/** As an operator does it: plan, yes, at once. */
export async function eraseNow(means: FunctionMeans, userId: string): Promise<string> {
  const sql = means.sql as unknown as Sql;
  const { erasureId, token } = await requestErasure(sql, { userId, origin: 'operator', reason: null });
  await confirmNow(sql, { userId, erasureId, token });
  await executeErasure({ ...means, sql }, erasureId);
  return erasureId;
}

export async function confirmNow(
  sql: Sql,
  { userId, erasureId, token }: { userId: string; erasureId: string; token: string },
): Promise<void> {
  const [row] = await sql`
    select backup.confirm_erasure(${userId}::uuid, ${erasureId}::uuid, ${tokenHash(token)}, ${newToken().sha256}) ->> 'outcome' as outcome`;
  if (row!.outcome !== 'scheduled') throw new Error(`not scheduled: ${row!.outcome}`);
}
