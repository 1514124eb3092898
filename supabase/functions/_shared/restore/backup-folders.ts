import { type BackupIdParts, parseBackupId } from '../domain/backup-id.ts';
import type { Store } from '../stores/store.ts';
import { MANIFEST_FILE } from './manifest-file.ts';

export interface BackupFolder {
  readonly backupId: string;
  /** Below the store's location, without a slash at the end. */
  readonly folder: string;
  /** What its name says. */
  readonly named: BackupIdParts;
  /** Bytes of its manifest.json. */
  readonly manifestBytes: number;
}

/** The folders below `prefix` that are named for a backup and have a manifest, in the store's order. Lists every object. */
export async function* backupFolders(store: Store, prefix = ''): AsyncGenerator<BackupFolder> {
  for await (const { key, size } of store.list(prefix)) {
    if (!key.endsWith(`/${MANIFEST_FILE}`)) continue;
    const folder = key.slice(0, -MANIFEST_FILE.length - 1);
    const backupId = folder.slice(folder.lastIndexOf('/') + 1);
    const named = parseBackupId(backupId);
    if (named) yield { backupId, folder, named, manifestBytes: size };
  }
}
