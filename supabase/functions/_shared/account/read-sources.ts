/** Reads the owner's decisions about whose data is where, and refuses those that the catalogue contradicts. */
import type { SubjectColumnRule, SubjectSource, SubjectTable } from '../domain/subject-types.ts';
import { ERRORS } from '../errors.ts';
import type { Sql } from '../postgres/open-driver.ts';
import { AUTH_SOURCES } from './auth-sources.ts';
import { checkSource } from './check-source.ts';
import { readTables } from './read-tables.ts';

export interface SubjectCategory {
  readonly name: string;
  readonly title: string;
}

export interface SubjectSources {
  /** In the order of their categories, then by name. */
  readonly sources: SubjectSource[];
  /** Tables that hold nobody's data, as the owner decided. */
  readonly excluded: SubjectTable[];
  /** All, in their order. */
  readonly categories: SubjectCategory[];
}

interface SourceRow extends Omit<SubjectSource, 'columns' | 'keepFor'> {
  readonly decision: 'mapped' | 'excluded';
  readonly keepMonths: number | null;
  readonly keepDays: number | null;
  readonly keepSeconds: number | null;
  readonly columns: SubjectColumnRule[];
}

const MAX_PROBLEMS = 10;

/**
 * The mapped tables with the rules of their columns, those of Supabase Auth among them unless the owner decided about
 * them. Throws SUBJECT_SOURCE_INVALID, which names table, path and hop, and the driver's errors.
 */
export async function readSubjectSources(sql: Sql): Promise<SubjectSources> {
  const [rows, categories, tables] = [await readRows(sql), await readCategories(sql), await readTables(sql)];
  const byName = new Map(tables.map((table) => [JSON.stringify([table.schema, table.table]), table]));
  const find = (schema: string, table: string) => byName.get(JSON.stringify([schema, table]));
  const problems: string[] = [];
  const check = { find, categories: new Set(categories.map(({ name }) => name)), problems };
  const decided = new Set(rows.map(({ schema, table }) => JSON.stringify([schema, table])));
  const preset = AUTH_SOURCES.filter(({ schema, table }) => {
    return !decided.has(JSON.stringify([schema, table])) && find(schema, table) !== undefined;
  });
  const mapped = rows.filter(({ decision }) => decision === 'mapped').map(toSource);
  const sources = [...preset, ...mapped].map((source) => checkSource(source, check));
  if (problems.length > 0) throw invalid(problems);
  const excluded = rows
    .filter(({ decision }) => decision === 'excluded')
    .map(({ schema, table }) => ({ schema, table }));
  return { sources: inOrder(sources, categories), excluded, categories };
}

function invalid(problems: readonly string[]) {
  const more = problems.length > MAX_PROBLEMS ? `; and ${problems.length - MAX_PROBLEMS} more` : '';
  return ERRORS.SUBJECT_SOURCE_INVALID(`${problems.slice(0, MAX_PROBLEMS).join('; ')}${more}`, {
    details: { problems },
  });
}

function inOrder(sources: readonly SubjectSource[], categories: readonly SubjectCategory[]): SubjectSource[] {
  const position = new Map(categories.map(({ name }, index) => [name, index]));
  return [...sources].sort((a, b) => position.get(a.category)! - position.get(b.category)!);
}

async function readCategories(sql: Sql): Promise<SubjectCategory[]> {
  return [
    ...(await sql<SubjectCategory[]>`
      select name, title from backup.subject_category order by position, name collate "C"`),
  ];
}

async function readRows(sql: Sql): Promise<SourceRow[]> {
  return await sql<SourceRow[]>`
    select s.schema_name as schema, s.table_name as table, s.decision, coalesce(s.category, '') as category, s.paths,
      s.read_as as "readAs", s.erase, s.keep_reason as "keepReason",
      (extract(year from s.keep_for) * 12 + extract(month from s.keep_for))::int as "keepMonths",
      extract(day from s.keep_for)::int as "keepDays",
      (extract(hour from s.keep_for) * 3600 + extract(minute from s.keep_for) * 60 + extract(second from s.keep_for))::float8
        as "keepSeconds",
      coalesce((
        select pg_catalog.json_agg(pg_catalog.json_build_object(
          'column', c.column_name, 'rule', c.rule, 'unlessOwn', c.unless_own, 'anonymise', c.anonymise)
          order by c.column_name collate "C")
        from backup.subject_column c
        where c.schema_name = s.schema_name and c.table_name = s.table_name), '[]') as columns
    from backup.subject_source s
    order by s.schema_name collate "C", s.table_name collate "C"`;
}

function toSource(row: SourceRow): SubjectSource {
  const { decision: _, keepMonths, keepDays, keepSeconds, ...source } = row;
  return { ...source, keepFor: keepMonths === null ? null : isoDuration(keepMonths, keepDays ?? 0, keepSeconds ?? 0) };
}

function isoDuration(months: number, days: number, seconds: number): string {
  const date = `${months === 0 ? '' : `${months}M`}${days === 0 ? '' : `${days}D`}`;
  const time = seconds === 0 ? '' : `T${seconds}S`;
  return `P${date}${time}` === 'P' ? 'P0D' : `P${date}${time}`;
}
