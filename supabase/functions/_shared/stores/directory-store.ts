import { open, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { STORE_ERRORS } from '../errors/store.ts';
import { assertWithin, readAll } from './byte-stream.ts';
import { codeOf, toDirectoryError } from './directory-errors.ts';
import { removeEmptyFolders, removeFile, walkFiles } from './directory-files.ts';
import { DirectoryWriter, UPLOADS_FOLDER } from './directory-writer.ts';
import { assertObjectKey } from './object-key.ts';
import type { ObjectInfo, PutOptions, Store } from './store.ts';

const READ_BLOCK_BYTES = 256 * 1024;

/**
 * A store in a directory. A key is the file's path below `root`, unchanged (percent signs included), so that
 * `sha256sum -c` and `restore.sh` work in it. Files appear whole or not at all. Runs on Node and in the edge runtime.
 */
export function createDirectoryStore(path: string): Store {
  const root = resolve(path);
  const pathOf = (key: string): string => {
    assertObjectKey(key);
    if (key.split('/')[0] === UPLOADS_FOLDER) {
      throw STORE_ERRORS.OBJECT_KEY_INVALID(`object key must not begin with '${UPLOADS_FOLDER}': got '${key}'`);
    }
    return join(root, key);
  };
  const openWriter = (key: string, options?: PutOptions): DirectoryWriter => {
    pathOf(key);
    return new DirectoryWriter(root, key, options);
  };
  const head = (key: string): Promise<ObjectInfo | null> => infoOf(pathOf(key), key);

  return {
    kind: 'directory',
    location: root,
    async put(key, bytes, options) {
      const writer = openWriter(key, options);
      try {
        await writer.write(bytes);
        return await writer.finish();
      } catch (error) {
        await writer.abort();
        throw error;
      }
    },
    openWriter,
    get: (key, range) => openFileStream(pathOf(key), { key, start: range?.start ?? 0, end: range?.end }),
    async getBytes(key, maxBytes = Number.POSITIVE_INFINITY) {
      const info = await head(key);
      if (info) assertWithin(info.size, { key, maxBytes });
      return readAll(await openFileStream(pathOf(key), { key, start: 0 }), { key, maxBytes });
    },
    head,
    async *list(prefix) {
      const descend = (folder: string) =>
        folder !== `${UPLOADS_FOLDER}/` && (prefix.startsWith(folder) || folder.startsWith(prefix));
      for (const key of await collect(walkFiles(root, { descend }), root)) {
        const info = key.startsWith(prefix) ? await head(key) : null;
        if (info) yield info;
      }
    },
    async delete(key) {
      const file = pathOf(key);
      await guard(`delete object '${key}'`, async () => {
        await removeFile(file);
        await removeEmptyFolders(dirname(file), root);
      });
    },
    abortUploads: (prefix) => abortUploads(root, prefix),
    presignGet: async (key) => {
      pathOf(key);
      return null;
    },
    async check() {
      const key = `.holdfast-probe-${crypto.randomUUID()}`;
      const probe = new TextEncoder().encode(key);
      try {
        await this.put(key, probe);
        const back = await this.getBytes(key, probe.length);
        if (new TextDecoder().decode(back) !== key) {
          throw STORE_ERRORS.OBJECT_CORRUPT(`probe object '${key}' was read back altered`);
        }
      } finally {
        await this.delete(key);
      }
      return { anonymousRead: false, keepsSha256: false, clockSkewMs: null };
    },
  };
}

async function collect(keys: AsyncIterable<string>, root: string): Promise<string[]> {
  const all: string[] = [];
  await guard(`list '${root}'`, async () => {
    for await (const key of keys) all.push(key);
  });
  return all;
}

async function infoOf(file: string, key: string): Promise<ObjectInfo | null> {
  try {
    const stats = await stat(file);
    return stats.isFile() ? { key, size: stats.size, lastModified: stats.mtime } : null;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw toDirectoryError(error, `look at object '${key}'`);
  }
}

async function openFileStream(
  file: string,
  { key, start, end }: { key: string; start: number; end?: number },
): Promise<ReadableStream<Uint8Array>> {
  const info = await infoOf(file, key);
  if (!info) throw STORE_ERRORS.OBJECT_MISSING(`object '${key}' is not in the store`);
  const handle = await open(file, 'r').catch((error) => {
    throw toDirectoryError(error, `read object '${key}'`);
  });
  let at = start;
  const stopAt = Math.min(end ?? info.size, info.size);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const block = new Uint8Array(Math.max(0, Math.min(READ_BLOCK_BYTES, stopAt - at)));
        const { bytesRead } = block.length > 0 ? await handle.read(block, 0, block.length, at) : { bytesRead: 0 };
        if (bytesRead === 0) return await endStream(controller, { missingBytes: stopAt - at });
        at += bytesRead;
        controller.enqueue(block.subarray(0, bytesRead));
      } catch (error) {
        await handle.close();
        throw toDirectoryError(error, `read object '${key}'`);
      }
    },
    cancel: () => handle.close(),
  });

  async function endStream(controller: ReadableStreamDefaultController, { missingBytes }: { missingBytes: number }) {
    if (missingBytes > 0) throw STORE_ERRORS.STORE_FAILED(`object '${key}' was cut short while it was read`);
    controller.close();
    await handle.close();
  }
}

/** Removes what crashed or unfinished uploads left behind for keys below `prefix`. */
async function abortUploads(root: string, prefix: string): Promise<number> {
  const uploads = join(root, UPLOADS_FOLDER);
  let aborted = 0;
  for (const file of await collect(walkFiles(uploads, { descend: () => true }), uploads)) {
    if (!file.slice(file.indexOf('/') + 1).startsWith(prefix)) continue;
    await guard(`abort upload '${file}'`, async () => {
      await removeFile(join(uploads, file));
      await removeEmptyFolders(dirname(join(uploads, file)), root);
    });
    aborted++;
  }
  return aborted;
}

async function guard(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw toDirectoryError(error, what);
  }
}
