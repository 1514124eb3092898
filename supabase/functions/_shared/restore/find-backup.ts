import { type BackupIdParts, parseBackupId } from '../domain/backup-id.ts';
import { backupFolder } from '../domain/object-path.ts';
import { periodOf } from '../domain/period.ts';
import { ERRORS } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { keyIn } from './archive-input.ts';
import type { BackupFolder } from './backup-folders.ts';
import { listBackups } from './list-backups.ts';
import { MANIFEST_FILE } from './manifest-file.ts';

const LATEST = 'latest';
const SHOWN_BACKUPS = 5;

/**
 * The folder of a backup, below the store's location and without a slash at the end; '' when it is the store itself.
 * @param wanted a backup's id, its folder or manifest in the store, `.` for the store itself, or `latest`
 * Throws BACKUP_MISSING, OBJECT_KEY_INVALID for a folder that no key can have, and STORE_*.
 */
export async function findBackup(store: Store, wanted: string): Promise<string> {
  if (wanted === LATEST) return await findLatest(store);
  const parts = parseBackupId(wanted);
  return parts ? await findById(store, wanted, parts) : await findFolder(store, wanted);
}

async function findLatest(store: Store): Promise<string> {
  const [newest] = await listBackups(store);
  if (newest) return newest.folder;
  throw ERRORS.BACKUP_MISSING(`there is no backup in ${store.location}`, {
    hint: 'Check the bucket and the prefix, or the directory; a backup is a folder that has a manifest.json.',
  });
}

/** Its path follows from its id, but for the label of one before a deployment, and unless somebody moved it. */
async function findById(store: Store, backupId: string, { cadence, startedAt }: BackupIdParts): Promise<string> {
  const period = periodOf(cadence, startedAt);
  const usual = backupFolder({ cadence, period, backupId });
  if (await hasManifest(store, usual)) return usual;
  const near = (await listBackups(store, `${cadence}/${period}`)).find((backup) => backup.backupId === backupId);
  if (near) return near.folder;
  const all = await listBackups(store);
  const moved = all.find((backup) => backup.backupId === backupId);
  if (moved) return moved.folder;
  throw missing(store, `the backup ${backupId}`, all);
}

async function findFolder(store: Store, wanted: string): Promise<string> {
  const folder = wanted
    .replace(/^(\.\/)+/, '')
    .replace(/(^|\/)manifest\.json$/, '')
    .replace(/^\.$|\/+$/, '');
  if (await hasManifest(store, folder)) return folder;
  throw missing(store, `a folder '${wanted}' with a manifest.json`, await listBackups(store));
}

async function hasManifest(store: Store, folder: string): Promise<boolean> {
  return (await store.head(keyIn(folder, MANIFEST_FILE))) !== null;
}

function missing(store: Store, what: string, existing: readonly BackupFolder[]) {
  const newest = existing.slice(0, SHOWN_BACKUPS).map((backup) => backup.backupId);
  const hint =
    newest.length === 0
      ? 'There is no backup in it at all: check the bucket and the prefix, or the directory.'
      : `Give one of the ${existing.length} backups that are there, by id or as latest; the newest: ${newest.join(', ')}.`;
  return ERRORS.BACKUP_MISSING(`${what} is not in ${store.location}`, {
    hint,
    details: { backups: existing.length, newest },
  });
}
