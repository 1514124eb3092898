import { createHash } from 'node:crypto';
import { readManifest } from '../archive/read-manifest.ts';
import type { ManifestObject } from '../domain/manifest-types.ts';
import { HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import type { Problem } from './verify-objects.ts';

/** A manifest lists every object; 100,000 of them are about 40 MB. */
const MANIFEST_MAX_BYTES = 64 * 1024 * 1024;

/** The manifest's objects, or what is wrong with the manifest. `sha256` null: the ledger does not know it. */
export async function readSealed(
  store: Store,
  folder: string,
  sha256: string | null,
): Promise<{ objects: ManifestObject[] } | { problem: Problem }> {
  const path = 'manifest.json';
  try {
    const bytes = await store.getBytes(`${folder}/${path}`, MANIFEST_MAX_BYTES);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (sha256 && found !== sha256) return { problem: { path, what: 'sha256', expected: sha256, found } };
    return { objects: (await readManifest(bytes)).objects };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind === 'transient') throw error;
    if (error.code === 'OBJECT_MISSING')
      return { problem: { path, what: 'missing', expected: 'present', found: 'absent' } };
    if (error.code === 'MANIFEST_INVALID')
      return { problem: { path, what: 'manifest', expected: 'valid', found: error.message } };
    throw error;
  }
}
