import type { Store } from '../stores/store.ts';
import { type BackupFolder, backupFolders } from './backup-folders.ts';

/** The backups below `prefix`, newest first. Lists every object. */
export async function listBackups(store: Store, prefix = ''): Promise<BackupFolder[]> {
  const backups: BackupFolder[] = [];
  for await (const backup of backupFolders(store, prefix)) backups.push(backup);
  const startedMs = ({ named }: BackupFolder) => named.startedAt.getTime();
  return backups.sort((a, b) => startedMs(b) - startedMs(a) || (a.backupId < b.backupId ? 1 : -1));
}
