import type { Store } from '../stores/store.ts';
import { SIGNATURE_SUFFIX } from './erasure-entry-file.ts';
import type { Signer } from './sign-manifest.ts';

/**
 * Puts an entry of the erasure ledger into the store, signature first: an entry that is there is whole. May be called
 * again with the same bytes. Throws STORE_*, KEY_UNUSABLE.
 */
export async function storeErasureEntry(
  store: Store,
  { key, text, signer }: { key: string; text: string; signer: Signer | null },
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  if (signer) {
    const signature = await signer.sign(bytes);
    await store.put(key.replace(/\.json$/, SIGNATURE_SUFFIX), signature, { contentType: 'application/pgp-signature' });
  }
  await store.put(key, bytes, { contentType: 'application/json' });
}
