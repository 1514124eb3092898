/** Erases a person's rows: everything in one transaction, which the caller begins and ends. */
import type { ErasedColumn, ErasedTable } from '../domain/erasure-entry.ts';
import type { Subjects } from '../domain/subject.ts';
import type { SubjectPath } from '../domain/subject-types.ts';
import { ERRORS } from '../errors.ts';
import { type EraseCatalog, nameOf } from './erase-catalog.ts';
import { eraseOrder } from './erase-order.ts';
import { EraseSets, type KeyEffect } from './erase-sets.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { subjectsFilter } from './subject-filter.ts';
import type { TextQuery } from './text-query.ts';

export interface ErasedRows {
  readonly schema: string;
  readonly table: string;
  readonly action: ErasedTable['action'];
  readonly rows: number;
  /** Of kept rows only: their keys as JSON, for the day when they need not be kept any more. */
  readonly kept: { readonly columns: readonly string[]; readonly keys: string } | null;
}

export interface EraseJob {
  readonly actions: readonly ErasedTable[];
  /** Usually one person; all of them are erased in the same way. */
  readonly subjects: Subjects;
  readonly catalog: EraseCatalog;
  /** Makes hashes that say nothing outside this erasure. */
  readonly erasureId: string;
  /** Tables whose rows somebody else deletes, after this: auth.users through the Auth server. */
  readonly leave?: (table: ErasedTable) => boolean;
}

/** What was done, table by table, and what foreign keys did to other rows. */
export interface EraseOutcome {
  readonly tables: readonly ErasedRows[];
  readonly effects: readonly KeyEffect[];
}

/**
 * Idempotent: a second time finds nothing. Throws ERASURE_BLOCKED when a foreign key stands in the way (nothing was
 * changed), ERASURE_INCOMPLETE when rows came in meanwhile, and what the query throws; the caller then rolls back.
 */
export async function eraseRows(query: TextQuery, job: EraseJob): Promise<EraseOutcome> {
  const { actions, subjects, catalog, leave = () => false } = job;
  const {
    tables: order,
    deferred,
    unlinked,
  } = eraseOrder(
    actions.filter(({ action }) => action !== 'keep'),
    catalog,
  );
  const sets = new EraseSets(query, catalog, { lock: true });
  const done: ErasedRows[] = [];
  for (const table of [...order, ...actions.filter(({ action }) => action === 'keep')]) {
    const { schema, table: name, action } = table;
    const rows = await sets.mark(table, subjects);
    const kept = action === 'keep' && rows > 0 ? await keptKeys(sets, table) : null;
    done.push({ schema, table: name, action, rows, kept });
  }
  const effects = await sets.findEffects();
  refuseBlocked(effects);
  for (const { name, child } of deferred)
    await query(`set constraints ${quoteIdentifier(child.schema)}.${quoteIdentifier(name)} deferred`);
  for (const { key, columns } of unlinked) {
    const nulls = columns.map((column) => `${quoteIdentifier(column)} = null`).join(', ');
    await query(`update ${nameOf(key.child)} as t set ${nulls} where ${sets.isOwn(key.child, 't')}`);
  }
  const here = order.filter((one) => !leave(one));
  for (const table of here) await act(query, table, { ...job, sets });
  const swept = await sweep(query, here, subjects);
  await refuseNewRows(
    query,
    actions.filter((one) => !leave(one)),
    { ...job, sets },
  );
  return { tables: done.map((one) => ({ ...one, rows: one.rows + (swept.get(nameOf(one)) ?? 0) })), effects };
}

async function keptKeys(sets: EraseSets, table: ErasedTable) {
  const { columns, json } = await sets.ownKeys(table);
  return { columns, keys: json };
}

/** Throws ERASURE_BLOCKED with every constraint that stands in the way. */
export function refuseBlocked(effects: readonly KeyEffect[]): void {
  const blocking = effects.filter(({ effect }) => effect === 'blocks');
  if (blocking.length === 0) return;
  const words = blocking.map(
    ({ key, rows, because }) => `${key.name} of ${key.child.schema}.${key.child.table} (${rows} rows: ${because})`,
  );
  throw ERRORS.ERASURE_BLOCKED(`constraints stand in the way: ${words.join('; ')}`, {
    details: { constraints: blocking.map(({ key }) => key.name) },
  });
}

async function act(
  query: TextQuery,
  table: ErasedTable,
  { sets, ...job }: EraseJob & { sets: EraseSets },
): Promise<void> {
  // Where there is no key, a trigger of another table may have moved the row; whose it is still tells.
  const keyless = (job.catalog.find(table)?.key.length ?? 0) === 0;
  const own = sets.isOwn(table, 't');
  const where = keyless ? `(${own} or ${subjectsFilter(table.paths, 't', job.subjects)})` : own;
  if (table.action === 'delete') await query(`delete from ${nameOf(table)} as t where ${where}`);
  else {
    const values = table.columns.map(
      (column) => `${quoteIdentifier(column.column)} = ${replacement(column, table.paths, job)}`,
    );
    await query(`update ${nameOf(table)} as t set ${values.join(', ')} where ${where}`);
  }
}

/** Triggers copy what is deleted into other tables, and applications still write: what came in meanwhile goes too. */
async function sweep(
  query: TextQuery,
  tables: readonly ErasedTable[],
  subjects: Subjects,
): Promise<ReadonlyMap<string, number>> {
  const swept = new Map<string, number>();
  for (const table of tables.filter(({ action }) => action === 'delete')) {
    const [row] = await query(
      `with gone as (delete from ${nameOf(table)} as t where ${subjectsFilter(table.paths, 't', subjects)} returning 1)
       select count(*)::text from gone`,
    );
    swept.set(nameOf(table), Number(row![0]));
  }
  return swept;
}

/** Rows that are reached through others that are gone now cannot be seen; those have no owner. */
async function refuseNewRows(
  query: TextQuery,
  tables: readonly ErasedTable[],
  { subjects, catalog, sets }: EraseJob & { sets: EraseSets },
): Promise<void> {
  for (const table of tables) {
    const stays = table.action !== 'delete';
    // Rows that stay are told from new ones by their keys.
    if (stays && (catalog.find(table)?.key.length ?? 0) === 0) continue;
    const noted = stays ? ` and not ${sets.isOwn(table, 't')}` : '';
    const [row] = await query(
      `select count(*)::text from ${nameOf(table)} as t where ${subjectsFilter(table.paths, 't', subjects)}${noted}`,
    );
    if (row![0] === '0') continue;
    throw ERRORS.ERASURE_INCOMPLETE(`${table.schema}.${table.table} got ${row![0]} new rows of this person meanwhile`);
  }
}

/** Those of the paths by which a column, or the one that it depends on, names a user. */
export function namingPaths(
  { column, ifOwn }: Pick<ErasedColumn, 'column' | 'ifOwn'>,
  paths: readonly SubjectPath[],
): SubjectPath[] {
  return paths.filter((path) => path.length === 1 && path[0]!.columns.includes(ifOwn ?? column));
}

/** What is written, over the row `t`. Columns that name a user are written only where they name this one. */
export function replacement(
  { column, type, write, ifOwn }: ErasedColumn,
  paths: readonly SubjectPath[],
  { subjects, erasureId }: Pick<EraseJob, 'subjects' | 'erasureId'>,
): string {
  const old = `t.${quoteIdentifier(column)}`;
  const value = newValue(old, { type, write, erasureId });
  const naming = namingPaths({ column, ifOwn }, paths);
  return naming.length === 0
    ? value
    : `case when ${subjectsFilter(naming, 't', subjects)} then ${value} else ${old} end`;
}

const PLACEHOLDER = 'erased';

function newValue(
  old: string,
  { type, write, erasureId }: { type: string; write: ErasedColumn['write']; erasureId: string },
): string {
  if (write === 'null') return 'null';
  if (write === 'empty') return `${quoteLiteral(/^jsonb?$/.test(type) || type.endsWith('[]') ? '{}' : '')}::${type}`;
  if (write === 'placeholder')
    return `${quoteLiteral(/^jsonb?$/.test(type) ? `"${PLACEHOLDER}"` : PLACEHOLDER)}::${type}`;
  // Equal values stay equal within this person's rows, and null stays null.
  const salted = `pg_catalog.convert_to(${quoteLiteral(erasureId)} || ${old}::pg_catalog.text, 'UTF8')`;
  const hex = `pg_catalog.encode(pg_catalog.sha256(${salted}), 'hex')`;
  return type === 'uuid' ? `pg_catalog."left"(${hex}, 32)::uuid` : `pg_catalog."left"(${hex}, 32)::${type}`;
}

/** Can the column take what is to be written? The rule that is broken, or null. */
export function replacementProblem(
  { write }: Pick<ErasedColumn, 'write'>,
  facts: { readonly type: string; readonly category: string; readonly notNull: boolean },
): string | null {
  const text = facts.category === 'S';
  const json = /^jsonb?$/.test(facts.type);
  if (write === 'null') return facts.notNull ? 'it must not be null' : null;
  if (write === 'empty') return text || json || facts.category === 'A' ? null : `a ${facts.type} cannot be empty`;
  if (write === 'placeholder') return text || json ? null : `a ${facts.type} cannot hold a placeholder`;
  return text || facts.type === 'uuid' ? null : `a ${facts.type} cannot hold a hash`;
}
