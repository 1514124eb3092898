/** From the owner's decisions to what an erasure does with each table. */
import type { ErasedColumn, ErasedTable } from '../../domain/erasure-entry.ts';
import type { SubjectPath, SubjectSource } from '../../domain/subject-types.ts';
import { ERRORS } from '../../errors.ts';
import { type EraseCatalog, nameOf } from '../../postgres/erase-catalog.ts';
import { eraseOrder } from '../../postgres/erase-order.ts';
import { replacementProblem } from '../../postgres/erase-rows.ts';

const ofUser = (column: string, asText: boolean): SubjectPath => [
  { columns: [column], to: { schema: 'auth', table: 'users', columns: ['id'] }, asText },
];

/** Tables of Supabase Auth that name a user and that no foreign key empties. Nobody asks to export them. */
const AUTH_ONLY_ERASED: readonly { readonly table: string; readonly path: SubjectPath }[] = [
  { table: 'refresh_tokens', path: ofUser('user_id', true) },
  { table: 'flow_state', path: ofUser('user_id', false) },
  { table: 'one_time_tokens', path: ofUser('user_id', false) },
];

/** Moments in ISO 8601 by `schema.table` of the tables that are kept. */
export type KeepUntil = (source: SubjectSource) => string;

/**
 * In the order in which they are done, kept ones last but for auth.users, which is the end. Storage's own rows are left
 * to its API. Throws SUBJECT_SOURCE_INVALID for a decision that cannot be carried out, ERASURE_BLOCKED for a circle.
 */
export function erasedTables(
  sources: readonly SubjectSource[],
  { catalog, keepUntil }: { catalog: EraseCatalog; keepUntil: KeepUntil },
): ErasedTable[] {
  const problems: string[] = [];
  const tables = sources
    .filter(({ schema }) => schema !== 'storage')
    .map((source) => toTable(source, { catalog, keepUntil, problems }));
  for (const { table, path } of AUTH_ONLY_ERASED) {
    if (catalog.find({ schema: 'auth', table }) && !tables.some((one) => one.schema === 'auth' && one.table === table))
      tables.push({ schema: 'auth', table, action: 'delete', paths: [path], columns: [], unlink: [], keep: null });
  }
  if (problems.length > 0) throw ERRORS.SUBJECT_SOURCE_INVALID(problems.join('; '), { details: { problems } });
  const { tables: ordered, unlinked } = eraseOrder(
    tables.filter(({ action }) => action !== 'keep'),
    catalog,
  );
  const unlink = (table: ErasedTable) =>
    unlinked.filter(({ key }) => nameOf(key.child) === nameOf(table)).flatMap(({ columns }) => columns);
  const erased = ordered.map((table) => ({ ...table, unlink: unlink(table) }));
  const kept = tables.filter(({ action }) => action === 'keep');
  return [...erased.filter((one) => !isAuthUsers(one)), ...kept, ...erased.filter(isAuthUsers)];
}

export function isAuthUsers({ schema, table }: { readonly schema: string; readonly table: string }): boolean {
  return schema === 'auth' && table === 'users';
}

function toTable(
  source: SubjectSource,
  { catalog, keepUntil, problems }: { catalog: EraseCatalog; keepUntil: KeepUntil; problems: string[] },
): ErasedTable {
  const { schema, table, paths, erase: action } = source;
  const label = `${schema}.${table}`;
  if (isAuthUsers(source) && action !== 'delete') problems.push(`${label}: the account itself can only be deleted`);
  if (action === 'keep' && (catalog.find(source)?.key.length ?? 0) === 0)
    problems.push(`${label}: rows can be kept only in a table with a primary key, which finds them again`);
  const columns = action === 'anonymise' ? erasedColumns(source, { catalog, problems }) : [];
  const keep = action === 'keep' ? { reason: source.keepReason ?? '', until: keepUntil(source) } : null;
  return { schema, table, action, paths, columns, unlink: [], keep };
}

function erasedColumns(
  source: SubjectSource,
  { catalog, problems }: { catalog: EraseCatalog; problems: string[] },
): ErasedColumn[] {
  const label = `${source.schema}.${source.table}`;
  const columns: ErasedColumn[] = [];
  for (const { column, anonymise: write, unlessOwn } of source.columns) {
    if (write === null) continue;
    const facts = catalog.find(source)?.columns[column];
    const problem = facts ? replacementProblem({ write }, facts) : 'there is no such column';
    if (problem) problems.push(`${label}.${column}: ${problem}`);
    else columns.push({ column, type: facts!.type, write, ifOwn: unlessOwn });
  }
  if (columns.length === 0)
    problems.push(`${label}: it is to be anonymised, and no column of backup.subject_column says what to write`);
  return columns;
}
