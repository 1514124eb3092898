import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { STORE_ERRORS } from '../errors/store.ts';
import { codeOf, toDirectoryError } from './directory-errors.ts';
import { removeEmptyFolders, removeFile, syncDirectory, syncFile } from './directory-files.ts';
import type { ObjectWriter, PutOptions, PutResult } from './store.ts';

/** Unfinished uploads live here, as `<random>/<key>`; never part of a key. On the same disk, so that rename is atomic. */
export const UPLOADS_FOLDER = '.holdfast-uploads';

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const RENAME_ATTEMPTS = 5;

/** Writes below UPLOADS_FOLDER, then fsync, rename to the key's place, fsync of the folder. */
export class DirectoryWriter implements ObjectWriter {
  readonly #root: string;
  readonly #key: string;
  readonly #signal: AbortSignal | undefined;
  readonly #uploadPath: string;
  readonly #hash = createHash('sha256');
  #handle: FileHandle | null = null;
  #size = 0;
  #ended = false;

  constructor(root: string, key: string, options: PutOptions = {}) {
    this.#root = root;
    this.#key = key;
    this.#signal = options.signal;
    this.#uploadPath = join(root, UPLOADS_FOLDER, crypto.randomUUID(), key);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    await this.#guard(async () => {
      const handle = await this.#openFile();
      for (let at = 0; at < bytes.length; ) {
        at += (await handle.write(bytes, at, bytes.length - at, null)).bytesWritten;
      }
    });
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  async finish(): Promise<PutResult> {
    this.#assertOpen();
    await this.#guard(async () => {
      const handle = await this.#openFile();
      await syncFile(handle.fd);
      await this.#closeFile();
      await this.#moveIntoPlace();
    });
    this.#ended = true;
    return { key: this.#key, size: this.#size, sha256: this.#hash.digest('hex') };
  }

  async abort(): Promise<void> {
    this.#ended = true;
    await this.#closeFile();
    await this.#guard(() => this.#removeUpload(), { evenIfAborted: true });
  }

  async #openFile(): Promise<FileHandle> {
    if (this.#handle) return this.#handle;
    await makeFolder(dirname(this.#uploadPath));
    this.#handle = await open(this.#uploadPath, 'wx', FILE_MODE);
    return this.#handle;
  }

  async #closeFile(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  async #moveIntoPlace(): Promise<void> {
    const target = join(this.#root, this.#key);
    for (let attempt = 1; ; attempt++) {
      await makeFolder(dirname(target));
      try {
        await rename(this.#uploadPath, target);
        break;
      } catch (error) {
        // A delete at the same moment may have taken the folder away again between the two calls.
        if (codeOf(error) !== 'ENOENT' || attempt >= RENAME_ATTEMPTS) throw error;
      }
    }
    await syncDirectory(dirname(target));
    await this.#removeUpload();
  }

  async #removeUpload(): Promise<void> {
    await removeFile(this.#uploadPath);
    await removeEmptyFolders(dirname(this.#uploadPath), this.#root);
  }

  #assertOpen(): void {
    if (this.#ended) throw STORE_ERRORS.WRITER_CLOSED(`upload of '${this.#key}' has already ended`);
  }

  async #guard(work: () => Promise<void>, options: { evenIfAborted?: boolean } = {}): Promise<void> {
    if (!options.evenIfAborted) this.#signal?.throwIfAborted();
    try {
      await work();
    } catch (error) {
      throw toWriteError(error, this.#key);
    }
  }
}

/** While writing, these two do not mean that an object is missing. */
function toWriteError(error: unknown, key: string) {
  const code = codeOf(error);
  if (code === 'ENOENT') {
    return STORE_ERRORS.STORE_FAILED(`upload of '${key}' was removed while it was written`, { cause: error });
  }
  if (code === 'EISDIR') {
    return STORE_ERRORS.STORE_REFUSED(`object '${key}' must not have the name of a folder`, { cause: error });
  }
  return toDirectoryError(error, `write object '${key}'`);
}

/** mkdir -p, again when a concurrent clean-up removed a folder half-way. */
async function makeFolder(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await mkdir(path, { recursive: true, mode: FOLDER_MODE });
      return;
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempt >= RENAME_ATTEMPTS) throw error;
    }
  }
}
