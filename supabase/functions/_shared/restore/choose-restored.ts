import type { Manifest, ManifestTable } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { RestoreOptions } from './contracts.ts';

/** The tables of the backup that the options name. Pure. Throws TABLE_UNKNOWN with all names that it does not have. */
export function chooseRestored(manifest: Manifest, options: RestoreOptions): ManifestTable[] {
  const { tables, schemas, renameSchema } = options;
  const wanted = renameSchema ? [renameSchema.from] : schemas;
  const known = manifest.tables;
  const missing = [
    ...(tables ?? []).filter((name) => !known.some((table) => isNamed(table, name))),
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
      (tables === null || tables.some((name) => isNamed(table, name))),
  );
}

/** `schema.table`, or a bare name in public, of the table or of the partitioned table that it is a part of. */
function isNamed(table: ManifestTable, name: string): boolean {
  return [table, table.partition_root].some(
    (one) => one && (`${one.schema}.${one.name}` === name || (one.schema === 'public' && one.name === name)),
  );
}
