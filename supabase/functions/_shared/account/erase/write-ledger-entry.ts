/** The ledger comes before the deed: an entry is in the store before anything is erased. */
import { entryKey, entryText, parseEntry, sha256Of } from '../../archive/erasure-entry-file.ts';
import { storeErasureEntry } from '../../archive/store-erasure-entry.ts';
import { ERASURE_ENTRY_VERSION, type ErasureEntry, marksOf } from '../../domain/erasure-entry.ts';
import { TOOL } from '../../domain/tool.ts';
import type { EraseMeans } from './erase-means.ts';
import type { ErasureRow } from './erasure-row.ts';
import { keepContact } from './keep-contact.ts';
import { refuseForeign, refuseFork, unknownEntries } from './ledger-owner.ts';
import type { DecidedErasure } from './plan-erasure.ts';
import { putBackEntries } from './put-back-entries.ts';

/**
 * A database that was restored without its ledger would give a place of the store's ledger a second time: entries that it
 * does not know are taken over first, and those that the store lacks are put back. Throws STORE_*, KEY_UNUSABLE,
 * LEDGER_DAMAGED, and LEDGER_FOREIGN for entries of another database.
 */
export async function catchUpLedger(means: Pick<EraseMeans, 'sql' | 'store' | 'signer'>): Promise<void> {
  const unknown = await unknownEntries(means);
  await refuseForeign(means, unknown);
  for (const { entry, text, sha256 } of unknown)
    await means.sql`select backup.take_over_ledger_entry(${entry.erasure_id}, ${entry.position}, ${text}, ${sha256},
      ${entry.subject.id}, ${entry.erased_at})`;
  await putBackEntries(means);
}

/** Fixes what will be done: the entry in the database, whole, and its place in the chain. Once; a second call changes nothing. */
export async function decideLedgerEntry(
  { sql }: Pick<EraseMeans, 'sql'>,
  erasureId: string,
  { subject, actions, folderBuckets }: DecidedErasure,
): Promise<void> {
  await sql.begin(async (transaction) => {
    const [place] = await transaction`
      select place, previous_sha256, pg_catalog.clock_timestamp() as now, backup.erasure_ledger_id() as ledger_id
      from backup.next_ledger_place()`;
    const entry: ErasureEntry = {
      version: ERASURE_ENTRY_VERSION,
      ledger_id: place!.ledger_id as string,
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
    await keepContact(transaction, erasureId, subject);
    await transaction`
      update backup.erasure
      set position = ${entry.position}, entry = ${text}, entry_sha256 = ${sha256Of(text)}
      where erasure_id = ${erasureId} and entry is null`;
  });
}

/** Puts the entry into the store. Throws STORE_*, KEY_UNUSABLE, LEDGER_FORKED; nothing may be erased then. */
export async function publishLedgerEntry(means: EraseMeans, row: ErasureRow): Promise<void> {
  const text = row.entry!;
  const entry = parseEntry(text);
  const key = entryKey(entry);
  await storeErasureEntry(means.store(), { key, text, signer: await means.signer() });
  await refuseFork(means, { key, entry });
  await means.sql`
    update backup.erasure set stored_at = pg_catalog.clock_timestamp()
    where erasure_id = ${row.erasure_id} and stored_at is null`;
}
