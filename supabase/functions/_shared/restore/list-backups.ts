import { parseBackupId } from '../domain/backup-id.ts';
import type { Store } from '../stores/store.ts';

export interface BackupFolder {
  readonly backupId: string;
  /** Below the store's location, without a slash at the end. */
  readonly folder: string;
  readonly startedAt: Date;
}

const MANIFEST = '/manifest.json';

/** The backups below `prefix`, newest first: folders that are named for a backup and have a manifest. Lists every object. */
export async function listBackups(store: Store, prefix = ''): Promise<BackupFolder[]> {
  const backups: BackupFolder[] = [];
  for await (const { key } of store.list(prefix)) {
    if (!key.endsWith(MANIFEST)) continue;
    const folder = key.slice(0, -MANIFEST.length);
    const backupId = folder.slice(folder.lastIndexOf('/') + 1);
    const parts = parseBackupId(backupId);
    if (parts) backups.push({ backupId, folder, startedAt: parts.startedAt });
  }
  return backups.sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime() || (a.backupId < b.backupId ? 1 : -1));
}
