/**
 * --archive: a backup as one file. It is exported into a directory store beside the target, checked and packed from
 * there, and gets its name last; until then there is only a hidden directory, which goes away however this ends, or with
 * the next archive in the same place when the process was killed.
 */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ExportResult } from '../../supabase/functions/_shared/backup/export/export-job.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { packFolder } from './pack-folder.ts';
import { placeArchive } from './place-archive.ts';
import { makeTemporaryDirectory } from './temporary-directory.ts';

export interface LocalArchive {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface ArchiveJob {
  /** Where the file goes; made when it is not there. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly exportTo: (store: Store) => Promise<ExportResult>;
  /** Told how many bytes are to be packed, then of every block. */
  readonly onPacking: (totalBytes: number) => void;
  readonly onPacked: (bytes: number) => void;
}

/** Throws EXPORT_INTERRUPTED, VERIFICATION_FAILED, STORE_* and what `exportTo` throws; nothing is left then. */
export async function makeArchive(job: ArchiveJob): Promise<{ result: ExportResult; archive: LocalArchive }> {
  const directory = resolve(job.directory);
  const temporary = await makeTemporaryDirectory(directory);
  try {
    const store = createDirectoryStore(join(temporary, 'store'));
    const made = await job.exportTo(store);
    job.onPacking(made.storedBytes);
    const packed = await pack(job, { store, made, temporary });
    const path = await placeArchive({
      file: packed.file,
      directory,
      takenAt: new Date(made.consistency.taken_at),
      sha256: packed.sha256,
    });
    const archive = { path, bytes: packed.size, sha256: packed.sha256 };
    return { result: { ...made, location: path, folder: made.backupId }, archive };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

interface Exported {
  readonly store: Store;
  readonly made: ExportResult;
  readonly temporary: string;
}

/** A directory store's writer syncs the file and hashes it on the way. */
async function pack(job: ArchiveJob, { store, made, temporary }: Exported) {
  const name = 'archive.tar.gz';
  const writer = createDirectoryStore(temporary).openWriter(name, { signal: job.signal });
  try {
    const { size, sha256 } = await packFolder({
      store,
      folder: made.folder,
      topFolder: made.backupId,
      manifestSha256: made.manifestSha256,
      writer,
      signal: job.signal,
      onBytes: job.onPacked,
    });
    return { file: join(temporary, name), size, sha256 };
  } catch (error) {
    await writer.abort();
    if (job.signal.aborted) throw ERRORS.EXPORT_INTERRUPTED('the export was interrupted', { cause: error });
    throw error;
  }
}
