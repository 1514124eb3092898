import type { EraseCatalog } from '../postgres/erase-catalog.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { TextQuery } from '../postgres/text-query.ts';
import type { ReplayScope } from './erasure-targets.ts';

/** Rows of storage.objects that a restore brought back; the files themselves do not come with one. Returns how many. */
export async function eraseFileRows(
  query: TextQuery,
  {
    ids,
    folderBuckets,
    catalog,
    plan,
  }: {
    ids: readonly string[];
    folderBuckets: readonly string[];
    catalog: EraseCatalog;
    plan: Pick<ReplayScope['plan'], 'tables'>;
  },
): Promise<number> {
  const objects = catalog.find({ schema: 'storage', table: 'objects' });
  const planned = plan.tables.find(({ table }) => table.schema === 'storage' && table.name === 'objects');
  if (objects === undefined || ids.length === 0 || planned === undefined || planned.action === 'skip') return 0;
  const texts = ids.map(quoteLiteral).join(', ');
  const owners = ['owner_id', 'owner']
    .filter((column) => objects.columns[column] !== undefined)
    .map((column) => `pg_catalog.lower(o.${column}::text) in (${texts})`);
  const buckets = folderBuckets.includes('*')
    ? ''
    : ` and o.bucket_id in (${folderBuckets.map(quoteLiteral).join(', ')})`;
  const inFolder = `(pg_catalog.lower(pg_catalog.split_part(o.name, '/', 1)) in (${texts}) and pg_catalog.strpos(o.name, '/') > 0${buckets})`;
  const conditions = [...owners, ...(folderBuckets.length > 0 ? [inFolder] : [])];
  await query(`set local storage.allow_delete_query = 'true'`);
  const [row] = await query(`
    with gone as (delete from storage.objects as o where ${conditions.join(' or ')} returning 1)
    select count(*)::text from gone`);
  return Number(row![0]);
}
