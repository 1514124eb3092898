import { ENTRY_SUFFIX, entryKey, parseEntry } from '../../archive/erasure-entry-file.ts';
import { storeErasureEntry } from '../../archive/store-erasure-entry.ts';
import { ERASURES_FOLDER } from '../../domain/erasure-entry.ts';
import type { EraseMeans } from './erase-means.ts';

/** Entries that are in memory, and on their way, at once. */
const AT_ONCE = 8;

/**
 * Writes entries of the database's ledger that the store lacks, byte for byte, with a signature of today's key: the store's
 * location was changed, or it lost them. Without them the next entry would leave a gap, and restores would refuse the
 * ledger. Those of other databases that were taken over count too. Called again it goes on. Throws STORE_*, KEY_UNUSABLE.
 */
export async function putBackEntries({
  sql,
  store,
  signer,
}: Pick<EraseMeans, 'sql' | 'store' | 'signer'>): Promise<void> {
  const stored = new Set<string>();
  for await (const { key } of store().list(`${ERASURES_FOLDER}/`))
    if (key.endsWith(ENTRY_SUFFIX)) stored.add(key.slice(key.lastIndexOf('/') + 1, -ENTRY_SUFFIX.length));
  const known = await sql`
    select erasure_id from backup.erasure
    where position is not null and entry is not null and stored_at is not null order by position`;
  const lost = known.map((row) => row.erasure_id as string).filter((id) => !stored.has(id));
  if (lost.length === 0) return;
  const hand = await signer();
  for (let at = 0; at < lost.length; at += AT_ONCE) {
    const rows =
      await sql`select entry from backup.erasure where erasure_id = any(${lost.slice(at, at + AT_ONCE)}::uuid[])`;
    await Promise.all(
      rows.map(async ({ entry: text }) =>
        storeErasureEntry(store(), { key: entryKey(parseEntry(text as string)), text: text as string, signer: hand }),
      ),
    );
  }
}
