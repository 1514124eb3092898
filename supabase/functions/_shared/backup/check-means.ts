import { ERRORS } from '../errors.ts';
import type { BackupMeans } from './backup-settings.ts';

/**
 * Before any row is read: the key can sign, the store takes and gives, and rows that are not encrypted never go where
 * strangers read. Throws KEY_UNUSABLE, STORE_PUBLIC and what the store throws.
 */
export async function checkMeans({
  store,
  cipher,
  signing,
}: Pick<BackupMeans, 'store' | 'cipher' | 'signing'>): Promise<void> {
  await signing?.();
  const check = await store.check();
  if (check.anonymousRead && cipher.recipients.length === 0) {
    throw ERRORS.STORE_PUBLIC(`${store.location} answers anonymous reads, and this backup is not encrypted`);
  }
}
