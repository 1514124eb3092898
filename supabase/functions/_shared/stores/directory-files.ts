import { fsync } from 'node:fs';
import { open, readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './directory-errors.ts';
import { compareKeys } from './object-key.ts';

/** Forces a file's bytes to the disk. By callback: file handles of the edge runtime have no sync(). */
export function syncFile(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
}

/** Makes a rename in `path` survive a power cut. Some systems cannot open or sync directories; their rename is durable enough. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    await syncFile(handle.fd).finally(() => handle.close());
  } catch (error) {
    if (!['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'EBADF'].includes(codeOf(error) ?? '')) throw error;
  }
}

/**
 * Relative paths of the regular files below `path`, in the order of their UTF-8 bytes; symbolic links are not
 * followed. `descend` skips folders that cannot hold a wanted file. A directory that does not exist is empty.
 */
export async function* walkFiles(
  path: string,
  options: { below?: string; descend: (folder: string) => boolean },
): AsyncGenerator<string> {
  const below = options.below ?? '';
  // A folder sorts as its name and the slash that follows it in every key below.
  const names = (await entriesOf(path))
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort(compareKeys);
  for (const name of names) {
    const relative = below + name;
    if (!name.endsWith('/')) yield relative;
    else if (options.descend(relative)) yield* walkFiles(join(path, name), { ...options, below: relative });
  }
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/**
 * Removes a file if it is there; a folder of that name is no file. (On the edge runtime unlink() tries to remove folders
 * too, which takes an empty one away and finds others not empty: neither holds an object.)
 */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY'].includes(codeOf(error) ?? '')) throw error;
  }
}

/** Removes `path` and the folders above it as long as they are empty, up to but not including `root`. */
export async function removeEmptyFolders(path: string, root: string): Promise<void> {
  for (let folder = path; folder.length > root.length; folder = join(folder, '..')) {
    try {
      await rmdir(folder);
    } catch (error) {
      // Not empty, or removed by somebody else at the same moment: both mean that we are done here.
      if (['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) return;
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}
