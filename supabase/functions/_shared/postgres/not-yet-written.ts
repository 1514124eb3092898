import type { ErasedTable } from '../domain/erasure-entry.ts';
import { type EraseJob, namingPaths, replacement } from './erase-rows.ts';
import { quoteIdentifier } from './identifiers.ts';

/**
 * A condition on `t`, a row of an anonymised table: a column of it holds something else than an erasure would have written.
 * Hashes are told by their look, and not at all where any value looks like one.
 */
export function notYetWritten(
  { columns, paths }: Pick<ErasedTable, 'columns' | 'paths'>,
  job: Pick<EraseJob, 'subjects' | 'erasureId'>,
): string {
  const conditions = columns.map((column) => {
    const old = `t.${quoteIdentifier(column.column)}::pg_catalog.text`;
    const differs = `(${replacement(column, paths, job)})::pg_catalog.text is distinct from ${old}`;
    // A hash names nobody any more.
    if (column.write !== 'hash' || namingPaths({ ...column, ifOwn: null }, paths).length > 0) return differs;
    return column.type === 'uuid' ? 'false' : `(${differs} and ${old} !~ '^[0-9a-f]{1,32}$')`;
  });
  return conditions.length === 0 ? 'false' : `(${conditions.join(' or ')})`;
}
