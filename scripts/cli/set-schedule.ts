import { displayName } from '../../supabase/functions/_shared/archive/display-name.ts';
import type { Sql } from '../../supabase/functions/_shared/postgres/open-driver.ts';
import type { ScheduleCall } from './run-schedule.ts';
import { line } from './terminal.ts';
import { utcWords } from './utc-words.ts';

type Row = Record<string, unknown>;

interface SetSchedule {
  readonly before: Row | undefined;
  readonly after: Row;
  readonly next: { due_at: Date; note: string | null }[];
  /** Tables that it is to back up and that are not there; they may be still to come. */
  readonly missing: readonly string[];
}

const SHOWN_TIMES = 3;
/** Changes by itself, and says nothing about what was asked for. */
const LEFT_OUT = new Set(['name', 'updated_at', 'created_at', 'checked_until']);

/** Throws what the database refuses; with --dry-run everything is done and taken back. */
export async function setSchedule(sql: Sql, call: ScheduleCall): Promise<void> {
  const { request, output } = call;
  const dryRun = request.raw.dryRun ?? false;
  const done: SetSchedule[] = [];
  const takenBack = new Error('dry run');
  try {
    await sql.begin(async (own) => {
      done.push(await change(own as unknown as Sql, call));
      if (dryRun) throw takenBack;
    });
  } catch (error) {
    if (error !== takenBack) throw error;
  }
  report(done[0]!, { name: request.schedule!, dryRun, ...output });
}

async function change(sql: Sql, { request, options }: ScheduleCall): Promise<SetSchedule> {
  const { raw } = request;
  const name = request.schedule!;
  const text = (value: string | undefined) => value ?? null;
  const read = async () => (await sql<Row[]>`select * from backup.schedule where name = ${name}`)[0];
  const before = await read();
  const { tables: _, ...others } = (before?.request ?? {}) as Row;
  const asked = raw.scope === undefined ? null : { ...others, ...(options.tables ? { tables: options.tables } : {}) };
  await sql`
    select backup.schedule_set(${name}, p_cron => ${text(raw.cron)}, p_enabled => ${options.enabled},
      p_scope => ${text(raw.scope)}, p_retention => ${text(raw.retention)}, p_codec => ${text(raw.codec)},
      p_format => ${text(raw.format)}, p_stores => ${options.stores as string[] | null}, p_rpo => ${text(raw.rpo)}::text::interval,
      p_rto => ${text(raw.rto)}::text::interval, p_category => ${text(raw.category)}, p_grace => ${text(raw.grace)}::text::interval,
      p_deep_verification => ${raw.deepVerification ?? null}, p_request => ${asked && sql.json(asked as never)},
      p_work => ${text(raw.work)}, p_cadence => ${text(raw.cadence)})`;
  const next = await sql<SetSchedule['next']>`select due_at, note from backup.schedule_next(${name}, ${SHOWN_TIMES})`;
  return { before, after: (await read())!, next: [...next], missing: await missingTables(sql, options.tables ?? []) };
}

async function missingTables(sql: Sql, tables: readonly string[]): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select name from unnest(${tables as string[]}::text[]) with ordinality as asked(name, ordinal)
    where not exists (
      select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and n.nspname || '.' || c.relname = case when name like '%.%' then name else 'public.' || name end)
    order by ordinal`;
  return rows.map(({ name }) => name);
}

function report(
  { before, after, next, missing }: SetSchedule,
  { name, dryRun, terminal, json }: ScheduleCall['output'] & { name: string; dryRun: boolean },
): void {
  const changes = Object.keys(after)
    .filter((field) => !LEFT_OUT.has(field) && JSON.stringify(before?.[field]) !== JSON.stringify(after[field]))
    .map((field) => ({ field, before: before?.[field] ?? null, after: after[field] }));
  if (json) {
    const answer = {
      schedule: name,
      dry_run: dryRun,
      created: before === undefined,
      changes,
      next,
      missing_tables: missing,
    };
    line(terminal.stdout, JSON.stringify(answer));
    return;
  }
  const verb = before === undefined ? 'made' : 'changed';
  if (changes.length === 0)
    line(terminal.stdout, `${name} is already so; nothing ${dryRun ? 'would change' : 'changed'}`);
  else line(terminal.stdout, `${name} ${dryRun ? `would be ${verb}` : verb}:`);
  for (const one of changes.filter(({ before: old, after: now }) => old !== null || now !== null)) {
    line(terminal.stdout, `  ${one.field.replaceAll('_', ' ')}: ${words(one.before)} -> ${words(one.after)}`);
  }
  for (const name of missing)
    line(terminal.stdout, `warning: the table ${displayName(name)} is not there: runs fail until it is`);
  for (const { due_at, note } of next) line(terminal.stdout, `next: ${utcWords(due_at)}${note ? ` (${note})` : ''}`);
}

function words(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
