import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { codeOf, toDirectoryError } from '../../supabase/functions/_shared/stores/directory-errors.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { unpackArchive } from './unpack-archive.ts';

export interface OpenArchiveFile {
  /** The unpacked files; only this user may read them. */
  readonly store: Store;
  /** Where in the store the backup is, without a slash at the end. */
  readonly folder: string;
  /** Removes the unpacked files. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens what --archive wrote, or any gzipped tar with one backup in it: unpacks it into a private directory below the
 * system's temporary one (TMPDIR moves it). Nothing in the file is trusted. Throws BACKUP_MISSING when there is no such
 * file, ARCHIVE_DAMAGED naming the member at fault, and STORE_* when the disk fails; nothing stays behind then.
 */
export async function openArchiveFile(path: string): Promise<OpenArchiveFile> {
  await assertFile(path);
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-archive-')).catch((error) => {
    throw toDirectoryError(error, `make a directory in '${tmpdir()}'`);
  });
  const close = () => rm(directory, { recursive: true, force: true });
  try {
    const members = await unpackArchive(path, directory);
    return { store: createDirectoryStore(directory), folder: backupFolderOf(members, path), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function assertFile(path: string): Promise<void> {
  const info = await stat(path).catch((error) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw toDirectoryError(error, `read '${path}'`);
  });
  if (!info?.isFile()) throw ERRORS.BACKUP_MISSING(`there is no file '${path}'`);
}

/** The archive may have been packed again, from higher up: the manifest says where the backup is. */
function backupFolderOf(members: readonly string[], path: string): string {
  const folders = members.flatMap((name) => /^(.+)\/manifest\.json$/.exec(name)?.[1] ?? []);
  if (folders.length === 1) return folders[0]!;
  const found = folders.length === 0 ? 'none' : folders.slice(0, 5).join(', ');
  throw ERRORS.ARCHIVE_DAMAGED(`'${path}' must hold one folder with a manifest.json: found ${found}`, {
    hint: 'Give a file that export-critical-data.ts --archive wrote.',
  });
}
