import type { Decipher } from '../archive/decipher.ts';
import type { Store } from '../stores/store.ts';

/** Where a backup is, and what it is opened and checked with. */
export interface ArchiveInput {
  readonly store: Store;
  /** Below the store's location, without a slash at the end; '' when the store is the backup's folder itself. */
  readonly folder: string;
  /** null: no private key was given. */
  readonly decipher: Decipher | null;
  /** Armored public keys, one of which must have signed the manifest; null: signatures are not asked for. */
  readonly verificationKeys: string | null;
}

/** The key of something in a backup's folder. */
export function keyIn(folder: string, path: string): string {
  return folder === '' ? path : `${folder}/${path}`;
}
