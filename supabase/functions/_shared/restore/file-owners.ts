import type { EraseCatalog } from '../postgres/erase-catalog.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { ReplayScope } from './erasure-targets.ts';

/**
 * Expressions over `t`, a row of storage.objects: texts in lower case, any of which may be the id of the user whose file it
 * is, or null. [] when this restore did not bring such rows: others are the target's own. Pure.
 */
export function fileOwners({
  folderBuckets,
  catalog,
  plan,
}: {
  /** Buckets in which a first folder counts; `*`: in all. */
  folderBuckets: readonly string[];
  catalog: EraseCatalog;
  plan: Pick<ReplayScope['plan'], 'tables'>;
}): string[] {
  const objects = catalog.find({ schema: 'storage', table: 'objects' });
  const planned = plan.tables.find(({ table }) => table.schema === 'storage' && table.name === 'objects');
  if (objects === undefined || planned === undefined || planned.action === 'skip') return [];
  const owners = ['owner_id', 'owner']
    .filter((column) => objects.columns[column] !== undefined)
    .map((column) => `pg_catalog.lower(t.${column}::pg_catalog.text)`);
  if (folderBuckets.length === 0) return owners;
  const inBuckets = folderBuckets.includes('*')
    ? ''
    : ` and t.bucket_id in (${folderBuckets.map(quoteLiteral).join(', ')})`;
  const folder = `pg_catalog.lower(pg_catalog.split_part(t.name, '/', 1))`;
  return [...owners, `(case when pg_catalog.strpos(t.name, '/') > 0${inBuckets} then ${folder} end)`];
}
