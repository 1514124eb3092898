/** An entry of the erasure ledger as bytes, and back. */
import { createHash } from 'node:crypto';
import { ERASURE_ENTRY_VERSION, ERASURES_FOLDER, type ErasureEntry } from '../domain/erasure-entry.ts';
import { ERRORS } from '../errors.ts';

export const ENTRY_SUFFIX = '.json';
export const SIGNATURE_SUFFIX = '.json.sig';
/** An entry names tables, not rows: 1,000 tables are about 500 kB. */
export const ENTRY_MAX_BYTES = 16 * 1024 * 1024;

/** Below the store's location. */
export function entryKey({ erasure_id, erased_at }: Pick<ErasureEntry, 'erasure_id' | 'erased_at'>): string {
  return `${ERASURES_FOLDER}/${erased_at.slice(0, 4)}/${erasure_id}${ENTRY_SUFFIX}`;
}

/** Hex. */
export function sha256Of(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The text that is stored; its last field is the SHA-256 of the entry without it, so that an entry alone shows damage. */
export function entryText(entry: ErasureEntry): string {
  const body = JSON.stringify(entry);
  return `${JSON.stringify({ ...entry, digest: sha256Of(body) }, null, 2)}\n`;
}

/** Throws LEDGER_DAMAGED when it is no entry, or not the one that was written. */
export function parseEntry(text: string): ErasureEntry {
  const { digest, ...entry } = parseObject(text) as unknown as ErasureEntry & { digest?: unknown };
  if (typeof entry.version === 'number' && entry.version > ERASURE_ENTRY_VERSION)
    throw damaged(`its version ${entry.version} is newer than ${ERASURE_ENTRY_VERSION}, which this Holdfast reads`);
  if (digest !== sha256Of(JSON.stringify(entry))) throw damaged('its content is not the one that its digest is of');
  if (!isEntry(entry)) throw damaged('it lacks fields that every entry has');
  return entry;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  throw damaged('it is not a JSON object');
}

function isEntry({ erasure_id, position, subject, erased_at, actions, files }: ErasureEntry): boolean {
  return (
    typeof erasure_id === 'string' &&
    Number.isSafeInteger(position) &&
    typeof subject?.id === 'string' &&
    typeof erased_at === 'string' &&
    Array.isArray(actions) &&
    Array.isArray(files?.folderBuckets)
  );
}

function damaged(because: string, cause?: unknown) {
  return ERRORS.LEDGER_DAMAGED(because, { cause });
}
