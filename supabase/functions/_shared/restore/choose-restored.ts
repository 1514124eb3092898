import type { Manifest, ManifestTable } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { RestoreOptions } from './contracts.ts';
import type { PartitionTree, TableName } from './partition-tree.ts';
import { MARKS_SCHEMA } from './restore-marks.ts';

/**
 * The tables of the backup that the options name, by their own names or by that of a partitioned table above them. Pure.
 * Throws TABLE_UNKNOWN with all names that it does not have.
 */
export function chooseRestored(
  manifest: Manifest,
  options: RestoreOptions,
  partitions: PartitionTree,
): ManifestTable[] {
  const { tables, schemas, renameSchema } = options;
  const wanted = renameSchema ? [renameSchema.from] : schemas;
  const known = restorable(manifest);
  const isPartOf = (table: ManifestTable, name: string) =>
    [table, table.partition_root, ...partitions.above(table)].some((one) => one && isNamed(one, name));
  const missing = [
    ...(tables ?? []).filter((name) => !known.some((table) => isPartOf(table, name))),
    ...(wanted ?? [])
      .filter((schema) => !known.some((table) => table.schema === schema))
      .map((name) => `schema ${name}`),
  ];
  if (missing.length > 0) {
    throw ERRORS.TABLE_UNKNOWN(`the backup has no ${missing.join(', ')}`, {
      details: { tables: missing },
      hint: 'Names are schema.table as the backup has them; --dry-run without names shows all.',
    });
  }
  return known.filter(
    (table) =>
      (wanted === null || wanted.includes(table.schema)) &&
      (tables === null || tables.some((name) => isPartOf(table, name))),
  );
}

/** All but the marks of a restore that had not ended in the source when it was backed up. */
export function restorable({ tables }: Manifest): readonly ManifestTable[] {
  return tables.filter(({ schema }) => schema !== MARKS_SCHEMA);
}

/** By `schema.table`, or by a bare name in public. */
export function isNamed({ schema, name: table }: TableName, name: string): boolean {
  return `${schema}.${table}` === name || (schema === 'public' && table === name);
}
