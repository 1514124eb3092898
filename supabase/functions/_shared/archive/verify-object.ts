import { createHash } from 'node:crypto';
import { HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';

export interface ObjectProblem {
  readonly what: 'missing' | 'size' | 'sha256';
  readonly expected: string | number;
  readonly found: string | number;
}

/**
 * Reads an object whole and compares its size and SHA-256 with what the manifest says; null when both hold.
 * Throws STORE_* when the store cannot be asked: that proves nothing about the object.
 */
export async function verifyObject(
  store: Store,
  expected: { readonly key: string; readonly size: number; readonly sha256: string },
): Promise<ObjectProblem | null> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const bytes of await store.get(expected.key)) {
      hash.update(bytes);
      size += bytes.length;
    }
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'OBJECT_MISSING') throw error;
    return { what: 'missing', expected: 'present', found: 'absent' };
  }
  if (size !== expected.size) return { what: 'size', expected: expected.size, found: size };
  const sha256 = hash.digest('hex');
  return sha256 === expected.sha256 ? null : { what: 'sha256', expected: expected.sha256, found: sha256 };
}
