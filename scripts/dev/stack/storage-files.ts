/**
 * Where the Storage server keeps the bytes of objects. As on the platform a file is named for its bucket, name and
 * version; the name on disk is a hash of them, so no object name can reach outside the directory.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';

export interface ObjectKey {
  readonly bucketId: string;
  readonly name: string;
  readonly version: string | null;
}

export interface StoredFile {
  readonly sizeBytes: number;
  /** MD5 in hex, the eTag of an upload in one piece. */
  readonly md5: string;
}

export class StorageFiles {
  #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Throws RangeError, and keeps nothing, when the body is longer than `maxBytes`. */
  async write(
    key: ObjectKey,
    body: AsyncIterable<Uint8Array>,
    options: { maxBytes?: number } = {},
  ): Promise<StoredFile> {
    const path = this.#path(key);
    const unfinished = `${path}.${crypto.randomUUID()}`;
    const { maxBytes = Number.POSITIVE_INFINITY } = options;
    const hash = createHash('md5');
    let sizeBytes = 0;
    await mkdir(dirname(path), { recursive: true });
    try {
      const measured = async function* () {
        for await (const bytes of body) {
          sizeBytes += bytes.length;
          if (sizeBytes > maxBytes) throw new RangeError(`the object is larger than ${maxBytes} bytes`);
          hash.update(bytes);
          yield bytes;
        }
      };
      await pipeline(measured, createWriteStream(unfinished));
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
    return { sizeBytes, md5: hash.digest('hex') };
  }

  /** undefined when there is no such file. */
  async sizeBytes(key: ObjectKey): Promise<number | undefined> {
    return (await stat(this.#path(key)).catch(() => undefined))?.size;
  }

  /** `start` and `end` (inclusive) as byte positions. */
  read(key: ObjectKey, range: { start: number; end: number }): ReadableStream<Uint8Array> {
    if (range.end < range.start) return new Blob([]).stream();
    return Readable.toWeb(createReadStream(this.#path(key), range)) as NodeReadableStream as ReadableStream<Uint8Array>;
  }

  async delete(key: ObjectKey): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  #path({ bucketId, name, version }: ObjectKey): string {
    const hash = createHash('sha256')
      .update(JSON.stringify([bucketId, name, version]))
      .digest('hex');
    return join(this.#dir, hash.slice(0, 2), hash);
  }
}
