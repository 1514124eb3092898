import type { EraseCatalog } from '../postgres/erase-catalog.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { TextQuery } from '../postgres/text-query.ts';
import type { ReplayScope } from './erasure-targets.ts';
import { fileOwners } from './file-owners.ts';

/** Rows of storage.objects that a restore brought back; the files themselves do not come with one. Returns how many. */
export async function eraseFileRows(
  query: TextQuery,
  {
    ids,
    ...scope
  }: {
    ids: readonly string[];
    folderBuckets: readonly string[];
    catalog: EraseCatalog;
    plan: Pick<ReplayScope['plan'], 'tables'>;
  },
): Promise<number> {
  const owners = fileOwners(scope);
  if (ids.length === 0 || owners.length === 0) return 0;
  const texts = ids.map(quoteLiteral).join(', ');
  const conditions = owners.map((owner) => `${owner} in (${texts})`);
  await query(`set local storage.allow_delete_query = 'true'`);
  const [row] = await query(`
    with gone as (delete from storage.objects as t where ${conditions.join(' or ')} returning 1)
    select count(*)::text from gone`);
  return Number(row![0]);
}
