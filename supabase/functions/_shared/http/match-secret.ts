/** Compares a secret that a caller presents with those that are right, in time that tells nothing of them. */
import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * True when `presented` equals one of `accepted`. Hashes first, so that lengths do not show; never stops early.
 * An empty secret is none: it matches nothing.
 */
export function matchSecret(presented: string, accepted: readonly string[]): boolean {
  const hash = sha256(presented);
  let matches = 0;
  for (const secret of accepted) matches |= Number(timingSafeEqual(hash, sha256(secret)) && secret !== '');
  return matches === 1;
}

function sha256(text: string) {
  return createHash('sha256').update(text).digest();
}
