import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Made by tools, or not ours to judge. */
const SKIPPED = new Set(['node_modules', '.git', '.stack', '.bench', '.cache', '.test', '.temp', 'vendor']);

export interface ListedFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly symlink: boolean;
}

/** Files below the given folders, in order; folders that are not there are empty. */
export async function listFiles(root: string, folders: readonly string[]): Promise<ListedFile[]> {
  const found = await Promise.all(folders.map((folder) => walk(root, join(root, folder))));
  return found.flat().sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function walk(root: string, folder: string): Promise<ListedFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const found = entries.map(async (entry): Promise<ListedFile[]> => {
    const path = join(folder, entry.name);
    if (entry.isSymbolicLink()) return [{ path: relative(root, path), symlink: true }];
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : walk(root, path);
    return [{ path: relative(root, path), symlink: false }];
  });
  return (await Promise.all(found)).flat();
}
