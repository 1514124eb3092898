/** One ledger is written by one database: another one's entries are no business of this one, and its places not free. */

import { SIGNATURE_SUFFIX } from '../../archive/erasure-entry-file.ts';
import { missingLedgerEntries } from '../../archive/missing-ledger-entries.ts';
import type { LedgerEntry } from '../../archive/read-erasure-ledger.ts';
import type { ErasureEntry } from '../../domain/erasure-entry.ts';
import { ERRORS } from '../../errors.ts';
import type { EraseMeans } from './erase-means.ts';

type LedgerMeans = Pick<EraseMeans, 'sql' | 'store'>;

/** Entries of the store that this database does not know. Throws STORE_*, LEDGER_DAMAGED. */
export async function unknownEntries({ sql, store }: LedgerMeans): Promise<LedgerEntry[]> {
  const rows = await sql`select erasure_id from backup.erasure where position is not null`;
  const known = new Set(rows.map((row) => row.erasure_id as string));
  return await missingLedgerEntries(store(), (id) => known.has(id));
}

/** Throws LEDGER_FOREIGN when one of them was written by a database whose place this one has not taken. */
export async function refuseForeign({ sql }: LedgerMeans, unknown: readonly LedgerEntry[]): Promise<void> {
  const [row] = await sql`select backup.erasure_ledger_id() as own`;
  const [setting] = await sql`select value -> 'taken_over' as ids from backup.setting where name = 'erasure_ledger'`;
  const accepted = new Set<string>([row!.own as string, ...(setting!.ids as string[])]);
  const foreign = unknown.filter(({ entry }) => entry.ledger_id !== undefined && !accepted.has(entry.ledger_id));
  const [first] = foreign;
  if (first === undefined) return;
  const id = first.entry.ledger_id!;
  throw ERRORS.LEDGER_FOREIGN(
    `another database writes this erasure ledger: entries of it that this database does not know, ${foreign.length} from ${first.key} on, are of ledger ${id}, and this database writes ${row!.own}`,
    {
      details: { ledger_id: id, own_ledger_id: row!.own, entries: foreign.length },
      hint: `Give this database a prefix of its own (BACKUP_S3_PREFIX). If it has taken the place of the other one, which writes no more, say so first: select backup.take_over_erasure_ledger('${id}'); nothing was erased.`,
    },
  );
}

/**
 * Looks, once an entry is in the store and before anything is erased, whether another database has written one with the
 * same place meanwhile. Both would see it, as both look after they wrote; whoever sees it takes its own away again.
 * Throws LEDGER_FORKED; called again, the erasure gets another place or LEDGER_FOREIGN.
 */
export async function refuseFork(
  means: LedgerMeans,
  { key, entry }: { key: string; entry: ErasureEntry },
): Promise<void> {
  const rival = (await unknownEntries(means)).find((one) => one.entry.position === entry.position);
  if (rival === undefined) return;
  await means.sql.begin(async (transaction) => {
    const [row] = await transaction`select backup.withdraw_ledger_entry(${entry.erasure_id}) as withdrawn`;
    if (row!.withdrawn !== true) return;
    // The entry first: a signature alone is named as damage, an entry alone might be believed.
    await means.store().delete(key);
    await means.store().delete(key.replace(/\.json$/, SIGNATURE_SUFFIX));
  });
  throw ERRORS.LEDGER_FORKED(
    `another database wrote ${rival.key} to the place ${entry.position} of the erasure ledger at the same time`,
  );
}
