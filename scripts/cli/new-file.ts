/** A file that has its name only when it is whole: whoever finds it need not ask whether its writer lived to the end. */
import { link, open, rename, rm, stat } from 'node:fs/promises';

export interface NewFile {
  /** Takes the bytes before it resolves. */
  write(bytes: Uint8Array): Promise<void>;
  /** Gives it its name. Throws EEXIST when another file took that meanwhile. */
  finish(): Promise<void>;
  /** Leaves nothing behind of one that was not finished; always to be called. */
  discard(): Promise<void>;
}

const SUFFIX = '.partial';

/** Readable by its owner alone. What a killed run left of the same name is written over. Throws what the file system says: EEXIST, ENOENT, EACCES. */
export async function createNewFile(path: string): Promise<NewFile> {
  const partial = path + SUFFIX;
  if (await exists(path)) throw new Error(`EEXIST: file already exists, open '${path}'`);
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o600);
  return {
    write: (bytes) => file.writeFile(bytes),
    async finish() {
      await file.sync();
      await name(partial, path);
    },
    async discard() {
      await file.close();
      await rm(partial, { force: true });
    },
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** A link never takes another file's name; where the file system has none, a moment is left in which rename() might. */
async function name(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '') || (await exists(path))) throw error;
    await rename(partial, path);
  }
}

const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
