import { ERRORS } from '../errors.ts';
import type { BackupMeans } from './backup-settings.ts';

/** Before any row is read: the store takes and gives, and rows that are not encrypted never go where strangers read. */
export async function checkMeans({ store, cipher }: Pick<BackupMeans, 'store' | 'cipher'>): Promise<void> {
  const check = await store.check();
  if (check.anonymousRead && cipher.recipients.length === 0) {
    throw ERRORS.STORE_PUBLIC(`${store.location} answers anonymous reads, and this backup is not encrypted`);
  }
}
