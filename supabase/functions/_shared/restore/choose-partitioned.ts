import type { ManifestTable } from '../domain/manifest-types.ts';
import { qualifiedName } from '../postgres/identifiers.ts';
import { isNamed } from './choose-restored.ts';
import type { RestoreOptions, TargetFacts } from './contracts.ts';
import type { PartitionTree, TableName } from './partition-tree.ts';

/**
 * Partitioned tables that come with the tables that `--tables` names, by the backup's names: those above a chosen table
 * that the target does not have, and whatever else is below a level that was named. They have no rows of their own.
 */
export function choosePartitioned(
  chosen: readonly ManifestTable[],
  { tables, schemas, renameSchema }: RestoreOptions,
  { target, partitions, known }: { target: TargetFacts; partitions: PartitionTree; known: readonly ManifestTable[] },
): TableName[] {
  if (tables === null) return [];
  const above = chosen.flatMap((table) => partitions.above(table));
  const named = unique(above).filter((table) => tables.some((name) => isNamed(table, name)));
  const wanted = renameSchema ? [renameSchema.from] : schemas;
  const below = named
    .flatMap((table) => partitions.below(table))
    .filter(({ schema }) => wanted === null || wanted.includes(schema));
  const found = unique([...above, ...below]);
  const withRows = new Set(known.map(qualifiedName));
  const there = new Set(target.tables.map(qualifiedName));
  return found.filter((table) => {
    const schema = table.schema === renameSchema?.from ? renameSchema.to : table.schema;
    return !withRows.has(qualifiedName(table)) && !there.has(qualifiedName({ schema, name: table.name }));
  });
}

function unique(tables: readonly TableName[]): TableName[] {
  return [...new Map(tables.map((table) => [qualifiedName(table), table])).values()];
}
