import type { CheckContext } from '../contracts.ts';
import { relationScope } from './relation-scope.ts';

export interface PolicyFacts {
  /** `schema.table policy`. */
  readonly key: string;
  readonly label: string;
  /** `schema.table`. */
  readonly table: string;
  /** The statement as pg_dump writes it, around the list of roles. */
  readonly before: string;
  readonly roles: readonly string[];
  readonly after: string;
}

/** As pg_dump writes them for a backup: every name quoted and, by an empty search_path, with its schema. */
export async function readPolicies(context: CheckContext): Promise<PolicyFacts[]> {
  const rows = await context.session.query(`
    set search_path = ''; set quote_all_identifiers = on;
    select n.nspname, c.relname, p.polname,
      format('CREATE POLICY %I ON %I.%I', p.polname, n.nspname, c.relname)
        || case when p.polpermissive then '' else ' AS RESTRICTIVE' end
        || case p.polcmd when 'r' then ' FOR SELECT' when 'a' then ' FOR INSERT' when 'w' then ' FOR UPDATE'
          when 'd' then ' FOR DELETE' else '' end,
      (select json_agg(quote_ident(r.rolname)) from pg_roles r where r.oid = any (p.polroles)),
      coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '') || ';'
    from pg_policy p
    join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace
    where ${relationScope(context)}
    order by 1, 2, 3;
    reset quote_all_identifiers`);
  return rows.map(([schema, table, policy, before, roles, after]) => ({
    key: `${schema}.${table} ${policy}`,
    label: `policy ${policy} of ${schema}.${table}`,
    table: `${schema}.${table}`,
    before: before!,
    roles: JSON.parse(roles ?? '[]'),
    after: after!,
  }));
}

/** Compares with pg_dump's statement; the order of roles in it is that of another server's catalogue. */
export function sameDefinition({ before, roles, after }: PolicyFacts, sql: string): boolean {
  if (!sql.startsWith(before) || !sql.endsWith(after)) return false;
  const between = sql.slice(before.length, sql.length - after.length);
  if (roles.length === 0) return between === '';
  const listed = between.startsWith(' TO ') ? between.slice(4).split(', ') : [];
  return [...listed].sort().join() === [...roles].sort().join();
}
