/** Where a backup is read from: a local archive, a folder of this machine, a directory of backups, or the bucket. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { StoreConfig } from '../../supabase/functions/_shared/config.ts';
import { MANIFEST_FILE } from '../../supabase/functions/_shared/restore/manifest-file.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import type { RawRestoreOptions } from './restore-command.ts';
import { isArchiveFile } from './restore-options.ts';
import { nodeS3Tuning } from './s3-tuning.ts';

export type RestoreSource =
  | { readonly kind: 'archive-file'; readonly path: string }
  /** `folder` is known to have a manifest. */
  | { readonly kind: 'folder'; readonly store: Store; readonly folder: string }
  | { readonly kind: 'store'; readonly store: Store; readonly wanted: string };

const NO_STORE =
  'a place to read from must be given: the bucket (BACKUP_S3_BUCKET, BACKUP_S3_ACCESS_KEY_ID, BACKUP_S3_SECRET_ACCESS_KEY …), or --from with a directory';

/** null, and a problem in the list, when there is none. `configBroken`: its problems are known and not said again. */
export function restoreSource(
  { backup, from }: RawRestoreOptions,
  { store, configBroken, problems }: { store: StoreConfig | null; configBroken: boolean; problems: string[] },
): RestoreSource | null {
  const wanted = backup?.trim() ?? '';
  if (isArchiveFile(wanted)) {
    if (isFile(wanted)) return { kind: 'archive-file', path: wanted };
    problems.push(`the archive must be a file that exists: got '${wanted}'`);
    return null;
  }
  if (from !== undefined) return fromDirectory(from, { wanted, problems });
  const local = localFolder(wanted);
  if (local) return local;
  if (/^(\.{0,2}\/|~)/.test(wanted)) {
    problems.push(`a folder of this machine must have a ${MANIFEST_FILE}: got '${wanted}'`);
    return null;
  }
  if (store === null) {
    if (!configBroken) problems.push(NO_STORE);
    return null;
  }
  const { secretAccessKey, ...options } = store;
  const opened = createS3Store({ ...options, ...nodeS3Tuning, secretAccessKey: secretAccessKey.reveal() });
  return { kind: 'store', store: opened, wanted };
}

function fromDirectory(
  directory: string,
  { wanted, problems }: { wanted: string; problems: string[] },
): RestoreSource | null {
  if (directory.trim() === '') return null;
  if (existsSync(directory) && statSync(directory).isDirectory())
    return { kind: 'store', store: createDirectoryStore(directory), wanted };
  problems.push(`--from must be a directory that exists: got '${directory}'`);
  return null;
}

function localFolder(wanted: string): RestoreSource | null {
  if (wanted === '' || !isFile(join(wanted, MANIFEST_FILE))) return null;
  const path = resolve(wanted);
  return { kind: 'folder', store: createDirectoryStore(dirname(path)), folder: basename(path) };
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
