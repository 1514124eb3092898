import { ERASURES_FOLDER } from '../domain/erasure-entry.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { ENTRY_MAX_BYTES, parseEntry, sha256Of } from './erasure-entry-file.ts';
import type { LedgerEntry } from './read-erasure-ledger.ts';

const NAME = /\/([0-9a-f]{8}-[0-9a-f-]{27})\.json$/;

/**
 * Entries of the store that `isKnown` does not know by their erasure's id; only those are read, the others are but
 * listed. Throws STORE_*, and LEDGER_DAMAGED naming an unknown entry that is damaged: its place cannot be known.
 */
export async function missingLedgerEntries(
  store: Store,
  isKnown: (erasureId: string) => boolean,
): Promise<LedgerEntry[]> {
  const missing: LedgerEntry[] = [];
  for await (const { key } of store.list(`${ERASURES_FOLDER}/`)) {
    const id = NAME.exec(key)?.[1];
    if (id === undefined || isKnown(id)) continue;
    const bytes = await stillThere(store, key);
    if (bytes === null) continue;
    const text = new TextDecoder().decode(bytes);
    missing.push({ key, entry: parse(key, text), text, sha256: sha256Of(bytes), signed: false });
  }
  return missing;
}

/** null: whoever wrote it has withdrawn it since it was listed, because its place was taken. */
async function stillThere(store: Store, key: string): Promise<Uint8Array | null> {
  try {
    return await store.getBytes(key, ENTRY_MAX_BYTES);
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'OBJECT_MISSING') return null;
    throw error;
  }
}

function parse(key: string, text: string) {
  try {
    return parseEntry(text);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw ERRORS.LEDGER_DAMAGED(`the entry ${key} of the store, which this database does not know: ${error.message}`, {
      cause: error,
      hint: 'Restore the named entry of the erasure ledger from another copy; nothing was erased, and no entry is added before.',
    });
  }
}
