/** The erasure ledger of a store, each entry held against its signature, its digest and the one before. */
import { ERASURES_FOLDER, type ErasureEntry } from '../domain/erasure-entry.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { ENTRY_MAX_BYTES, ENTRY_SUFFIX, parseEntry, SIGNATURE_SUFFIX, sha256Of } from './erasure-entry-file.ts';
import { verifyDetached } from './sign-manifest.ts';

export interface LedgerEntry {
  /** In the store. */
  readonly key: string;
  readonly entry: ErasureEntry;
  readonly text: string;
  readonly sha256: string;
  readonly signed: boolean;
}

export interface ErasureLedger {
  /** For people: where it was read from. */
  readonly location: string;
  /** In their order; damaged ones are not among them. */
  readonly entries: readonly LedgerEntry[];
  /** What is damaged or missing, with its name. */
  readonly problems: readonly string[];
  /** Were there public keys to hold the signatures against? */
  readonly signaturesChecked: boolean;
}

const SIGNATURE_MAX_BYTES = 1024 * 1024;
/** Entries that are read at once: most of the time is waiting for the store. */
const READERS = 16;

/** Reads every entry. Damage is a problem in the answer, not an error. Throws STORE_*, and KEY_UNUSABLE for bad public keys. */
export async function readErasureLedger(
  store: Store,
  { verificationKeys, folder = ERASURES_FOLDER }: { verificationKeys: string | null; folder?: string },
): Promise<ErasureLedger> {
  const keys: string[] = [];
  const signatures = new Set<string>();
  for await (const { key } of store.list(folder === '' ? '' : `${folder}/`)) {
    if (key.endsWith(SIGNATURE_SUFFIX)) signatures.add(key);
    else if (/(^|\/)[0-9a-f]{8}-[0-9a-f-]{27}\.json$/.test(key)) keys.push(key);
  }
  const entries: LedgerEntry[] = [];
  const problems: string[] = [];
  const waiting = keys.values();
  const reader = async () => {
    for (const key of waiting) {
      const signatureKey = key.slice(0, -ENTRY_SUFFIX.length) + SIGNATURE_SUFFIX;
      const signature = signatures.has(signatureKey) ? signatureKey : null;
      try {
        entries.push(await readOne(store, key, { signature, verificationKeys }));
      } catch (error) {
        if (!isDamage(error)) throw error;
        problems.push(`entry ${key}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  problems.sort();
  const there = new Set(keys);
  for (const orphan of [...signatures].filter((one) => !there.has(one.replace(SIGNATURE_SUFFIX, ENTRY_SUFFIX))))
    problems.push(`entry ${orphan.replace(SIGNATURE_SUFFIX, ENTRY_SUFFIX)} is missing, its signature is there`);
  entries.sort((a, b) => a.entry.position - b.entry.position || (a.key < b.key ? -1 : 1));
  problems.push(...brokenLinks(entries));
  return { location: store.location, entries, problems, signaturesChecked: verificationKeys !== null };
}

const DAMAGE = new Set(['LEDGER_DAMAGED', 'SIGNATURE_INVALID', 'OBJECT_TOO_LARGE', 'OBJECT_MISSING', 'OBJECT_CORRUPT']);

function isDamage(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && DAMAGE.has(error.code);
}

async function readOne(
  store: Store,
  key: string,
  { signature, verificationKeys }: { signature: string | null; verificationKeys: string | null },
): Promise<LedgerEntry> {
  const bytes = await store.getBytes(key, ENTRY_MAX_BYTES);
  if (verificationKeys !== null) {
    if (signature === null)
      throw ERRORS.LEDGER_DAMAGED('it is unsigned, and keys to verify signatures with were given');
    await verifyDetached(bytes, {
      signature: await store.getBytes(signature, SIGNATURE_MAX_BYTES),
      publicKeysArmored: verificationKeys,
    });
  }
  const text = new TextDecoder().decode(bytes);
  const entry = parseEntry(text);
  if (!key.endsWith(`/${entry.erasure_id}${ENTRY_SUFFIX}`))
    throw ERRORS.LEDGER_DAMAGED(`it is the entry of another erasure, ${entry.erasure_id}`);
  return { key, entry, text, sha256: sha256Of(bytes), signed: signature !== null };
}

/** The chain: a changed entry is not the one that its successor holds the hash of, a lost one leaves a gap. */
function brokenLinks(entries: readonly LedgerEntry[]): string[] {
  const problems: string[] = [];
  let before: LedgerEntry | null = null;
  for (const one of entries) {
    const { position, previous_sha256 } = one.entry;
    const expected: number = before === null ? 1 : before.entry.position + 1;
    if (position > expected) {
      const gap =
        position - expected === 1
          ? `entry ${expected} of the ledger is`
          : `entries ${expected} to ${position - 1} of the ledger are`;
      problems.push(`${gap} missing or damaged, before ${one.key}`);
    } else if (position < expected) {
      problems.push(`entry ${one.key} has the place ${position} of the ledger, which another has`);
    } else if (previous_sha256 !== (before?.sha256 ?? null)) {
      problems.push(`entry ${before?.key ?? one.key} is not the one that ${one.key} was chained to`);
    }
    before = one;
  }
  return problems;
}
