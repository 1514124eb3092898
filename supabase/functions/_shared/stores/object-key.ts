import { STORE_ERRORS } from '../errors/store.ts';

const MAX_KEY_BYTES = 1024;
const encoder = new TextEncoder();

/**
 * Refuses keys that no store of ours may meet, so that all stores accept the same ones: at most 1,024 bytes of valid
 * UTF-8, no empty, `.` or `..` segment (URLs and directories would resolve them), no NUL.
 * Throws OBJECT_KEY_INVALID.
 */
export function assertObjectKey(key: string): void {
  const problem = problemOf(key);
  if (!problem) return;
  throw STORE_ERRORS.OBJECT_KEY_INVALID(`object key must ${problem}: got ${JSON.stringify(key.slice(0, 100))}`);
}

function problemOf(key: string): string | null {
  if (/\p{Surrogate}/u.test(key)) return 'be valid Unicode';
  if (key.includes('\0')) return 'not contain a zero byte';
  const sizeBytes = encoder.encode(key).length;
  if (sizeBytes > MAX_KEY_BYTES) return `have at most ${MAX_KEY_BYTES} bytes, not ${sizeBytes}`;
  const bad = key.split('/').find((segment) => segment === '' || segment === '.' || segment === '..');
  return bad === undefined ? null : `have no segment '${bad}'`;
}

/** The order of list(): UTF-8 bytes. JavaScript's own order differs for characters outside the basic plane. */
export function compareKeys(a: string, b: string): number {
  const left = encoder.encode(a);
  const right = encoder.encode(b);
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const difference = (left[at] as number) - (right[at] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
