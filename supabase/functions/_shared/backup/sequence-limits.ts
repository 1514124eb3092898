import type { Limit } from '../domain/manifest-types.ts';
import type { Catalog, Table } from '../postgres/catalog-types.ts';
import { tableKey } from './table-facts.ts';

/**
 * Sequences whose positions the backup cannot say: restored, they begin again and give numbers that rows have. Those of
 * tables whose rows are not in the backup either are left out: nothing is there to meet their numbers. Pure.
 */
export function sequenceLimits(catalog: Catalog, taken: readonly Table[]): Limit[] {
  const keyOf = (table: { schema: string; name: string }) => tableKey(table.schema, table.name);
  const held = new Set(taken.flatMap((table) => [table, table.partitionRoot ?? table].map(keyOf)));
  // A partitioned table below the root holds rows when any of its tree are taken; which of them are its own is not known here.
  const inTree = catalog.tables.filter(
    ({ kind, partitionRoot }) => kind === 'p' && partitionRoot && held.has(keyOf(partitionRoot)),
  );
  for (const table of inTree) held.add(keyOf(table));
  return catalog.unreadableSequences
    .filter(({ owner }) => owner === null || held.has(keyOf(owner)))
    .map(({ schema, name }) => ({
      code: 'SEQUENCE_UNREADABLE',
      object: `${schema}.${name}`,
      message: `the backup's role may not select from sequence ${schema}.${name}, which begins again after a restore`,
    }));
}
