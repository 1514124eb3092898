import { link, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { codeOf, toDirectoryError } from '../../supabase/functions/_shared/stores/directory-errors.ts';
import { syncDirectory } from '../../supabase/functions/_shared/stores/directory-files.ts';

/** More archives of one day than anybody makes. */
const MAX_ORDINAL = 9999;
const FILE_MODE = 0o600;
/** File systems without hard links (FAT, some network shares) answer with one of these. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'];

export interface FinishedArchive {
  /** A whole and synced file on the same disk as the directory; it is moved away. */
  readonly file: string;
  readonly directory: string;
  /** The moment that the backup shows; its UTC date names the file. */
  readonly takenAt: Date;
  /** Hex SHA-256 of the file, for the `.sha256` beside it. */
  readonly sha256: string;
}

/**
 * Gives the file its name, `backup-2026-01-14.tar.gz` or, when that is taken, `backup-2026-01-14-2.tar.gz` and so on,
 * and writes its `.sha256`. Nothing is ever overwritten, also not by two scripts at the same time. Returns the path.
 */
export async function placeArchive({ file, directory, takenAt, sha256 }: FinishedArchive): Promise<string> {
  const date = takenAt.toISOString().slice(0, 10);
  try {
    for (let ordinal = 1; ordinal <= MAX_ORDINAL; ordinal += 1) {
      const name = `backup-${date}${ordinal === 1 ? '' : `-${ordinal}`}.tar.gz`;
      if (await placeAs(join(directory, name), { file, text: `${sha256}  ${name}\n` })) {
        await syncDirectory(directory);
        return join(directory, name);
      }
    }
  } catch (error) {
    throw toDirectoryError(error, `put the archive into '${directory}'`);
  }
  throw ERRORS.STORE_REFUSED(`'${directory}' must have a free name for an archive of ${date}`, {
    hint: 'Give --archive an empty directory.',
  });
}

/** False when the name, or that of its checksum, is taken. The checksum goes first: an archive is never without one. */
async function placeAs(target: string, { file, text }: { file: string; text: string }): Promise<boolean> {
  const checksum = `${target}.sha256`;
  if ((await exists(target)) || !(await createFile(checksum, text))) return false;
  const placed = await moveTo(target, file).catch(async (error) => {
    await rm(checksum, { force: true });
    throw error;
  });
  if (!placed) await rm(checksum, { force: true });
  return placed;
}

async function moveTo(target: string, file: string): Promise<boolean> {
  try {
    await link(file, target);
    await rm(file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    if (!NO_LINKS.includes(codeOf(error) ?? '')) throw error;
  }
  // rename() overwrites: an empty file of the name keeps it for us.
  if (!(await createFile(target, ''))) return false;
  await rename(file, target);
  return true;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** False when there is a file of this name. */
async function createFile(path: string, text: string): Promise<boolean> {
  try {
    const handle = await open(path, 'wx', FILE_MODE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
