/** Names of tables, schemas and labels as parts of object keys. */
import { createHash } from 'node:crypto';

/** Longest encoded name that is kept whole: two of them and all extensions fit in the 255 bytes of a file name. */
const MAX_ENCODED = 90;
const KEPT = 72;

/**
 * Percent-encodes the UTF-8 bytes of everything outside [A-Za-z0-9_-], so that a dot in a name is no separator.
 * A name that would become too long for a file name is cut and ends in `~` and 12 hex digits of its SHA-256; the
 * manifest has the whole name.
 */
export function encodeName(name: string): string {
  const encoded = [...new TextEncoder().encode(name)].map(encodeByte).join('');
  if (encoded.length <= MAX_ENCODED) return encoded;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
  return `${encoded.slice(0, KEPT).replace(/%[0-9A-F]?$/, '')}~${digest}`;
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (/[A-Za-z0-9_-]/.test(character)) return character;
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
