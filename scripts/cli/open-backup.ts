/** Opens the backup that was named, whatever it is. */

import { createNodeDecipher } from '../../supabase/functions/_shared/decipher-node.ts';
import type { Archive } from '../../supabase/functions/_shared/restore/contracts.ts';
import { findBackup } from '../../supabase/functions/_shared/restore/find-backup.ts';
import { openArchive } from '../../supabase/functions/_shared/restore/open-archive.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { askPassphrase } from './restore-keys.ts';
import type { CheckedRestore } from './restore-setup.ts';
import type { RestoreSource } from './restore-source.ts';
import type { Terminal } from './terminal.ts';

export interface OpenBackup {
  readonly archive: Archive;
  close(): Promise<void>;
}

/** The caller closes it. Throws KEY_UNUSABLE, BACKUP_MISSING, and all that openArchive() throws. */
export async function openBackup(input: CheckedRestore, terminal: Terminal): Promise<OpenBackup> {
  const { privateKeys, locked, source, verifyKeys } = input;
  const passphrase = input.passphrase ?? (locked ? await askPassphrase(terminal) : undefined);
  const decipher = privateKeys === null ? null : await createNodeDecipher(privateKeys, passphrase);
  const { store, folder, close } = await locate(source);
  try {
    const archive = await openArchive({ store, folder, decipher, verificationKeys: verifyKeys });
    // The directory that it was unpacked into is nobody's business and soon gone.
    return { archive: source.kind === 'archive-file' ? { ...archive, location: source.path } : archive, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function locate(source: RestoreSource): Promise<{ store: Store; folder: string; close(): Promise<void> }> {
  const nothing = async () => {};
  if (source.kind === 'folder') return { store: source.store, folder: source.folder, close: nothing };
  if (source.kind === 'store')
    return { store: source.store, folder: await findBackup(source.store, source.wanted), close: nothing };
  const { openArchiveFile } = await import('./open-archive-file.ts');
  return await openArchiveFile(source.path);
}
