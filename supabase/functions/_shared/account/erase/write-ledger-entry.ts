/** The ledger comes before the deed: an entry is in the store before anything is erased. */
import type { JSONValue } from 'postgres';
import { entryKey, entryText, parseEntry, sha256Of } from '../../archive/erasure-entry-file.ts';
import { missingLedgerEntries } from '../../archive/missing-ledger-entries.ts';
import { storeErasureEntry } from '../../archive/store-erasure-entry.ts';
import { ERASURE_ENTRY_VERSION, type ErasureEntry, marksOf } from '../../domain/erasure-entry.ts';
import { TOOL } from '../../domain/tool.ts';
import type { EraseMeans } from './erase-means.ts';
import type { ErasureRow } from './erasure-row.ts';
import type { DecidedErasure } from './plan-erasure.ts';

/**
 * A database that was restored without its ledger would give a place of the store's ledger a second time: entries that it
 * does not know are taken over first. Throws STORE_*, LEDGER_DAMAGED.
 */
export async function catchUpLedger({ sql, store }: Pick<EraseMeans, 'sql' | 'store'>): Promise<void> {
  const known = new Set(
    (await sql`select erasure_id from backup.erasure where position is not null`).map(
      (row) => row.erasure_id as string,
    ),
  );
  for (const { entry, text, sha256 } of await missingLedgerEntries(store(), (id) => known.has(id)))
    await sql`select backup.take_over_ledger_entry(${entry.erasure_id}, ${entry.position}, ${text}, ${sha256},
      ${entry.subject.id}, ${entry.erased_at})`;
}

/** Fixes what will be done: the entry in the database, whole, and its place in the chain. Once; a second call changes nothing. */
export async function decideLedgerEntry(
  { sql }: Pick<EraseMeans, 'sql'>,
  erasureId: string,
  { subject, actions, folderBuckets }: DecidedErasure,
): Promise<void> {
  await sql.begin(async (transaction) => {
    const [place] = await transaction`
      select place, previous_sha256, pg_catalog.clock_timestamp() as now from backup.next_ledger_place()`;
    const entry: ErasureEntry = {
      version: ERASURE_ENTRY_VERSION,
      erasure_id: erasureId,
      position: Number(place!.place),
      previous_sha256: place!.previous_sha256 as string | null,
      subject: marksOf(
        subject,
        actions.flatMap(({ paths }) => paths),
      ),
      erased_at: (place!.now as Date).toISOString(),
      actions,
      files: { folderBuckets },
      tool: TOOL,
    };
    const text = entryText(entry);
    const contact = transaction.json({ subject: { email: subject.email, phone: subject.phone } } as JSONValue);
    await transaction`
      update backup.erasure
      set position = ${entry.position}, entry = ${text}, entry_sha256 = ${sha256Of(text)}, plan = plan || ${contact}
      where erasure_id = ${erasureId} and entry is null`;
  });
}

/** Puts the entry into the store. Throws STORE_*, KEY_UNUSABLE; nothing may be erased then. */
export async function publishLedgerEntry({ sql, store, signer }: EraseMeans, row: ErasureRow): Promise<void> {
  const text = row.entry!;
  await storeErasureEntry(store(), { key: entryKey(parseEntry(text)), text, signer: await signer() });
  await sql`
    update backup.erasure set stored_at = pg_catalog.clock_timestamp()
    where erasure_id = ${row.erasure_id} and stored_at is null`;
}
