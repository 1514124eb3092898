import { STORE_ERRORS } from '../errors/store.ts';
import { assertWithin, concat, streamOf } from './byte-stream.ts';
import { assertObjectKey, compareKeys } from './object-key.ts';
import { sha256Hex } from './sha256.ts';
import type { ObjectInfo, ObjectWriter, PutOptions, PutResult, Store } from './store.ts';

interface MemoryObject {
  readonly bytes: Uint8Array;
  readonly lastModified: Date;
}

/** A store in this process's memory, for tests: it keeps the contract and forgets everything at the end. */
export function createMemoryStore(): Store {
  const objects = new Map<string, MemoryObject>();
  const uploads = new Set<MemoryWriter>();

  async function put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    assertObjectKey(key);
    options.signal?.throwIfAborted();
    const copy = bytes.slice();
    const sha256 = await sha256Hex(copy);
    objects.set(key, { bytes: copy, lastModified: new Date() });
    return { key, size: copy.length, sha256 };
  }

  function find(key: string): MemoryObject {
    assertObjectKey(key);
    const object = objects.get(key);
    if (!object) throw STORE_ERRORS.OBJECT_MISSING(`object '${key}' is not in the store`);
    return object;
  }

  return {
    kind: 'memory',
    location: 'memory',
    put,
    openWriter(key, options) {
      assertObjectKey(key);
      const writer = new MemoryWriter(key, (bytes) => put(key, bytes, options), {
        open: uploads,
        signal: options?.signal,
      });
      uploads.add(writer);
      return writer;
    },
    async get(key, range) {
      const { bytes } = find(key);
      return streamOf(bytes.slice(range?.start ?? 0, range?.end ?? bytes.length));
    },
    async getBytes(key, maxBytes = Number.POSITIVE_INFINITY) {
      const { bytes } = find(key);
      assertWithin(bytes.length, { key, maxBytes });
      return bytes.slice();
    },
    async head(key) {
      assertObjectKey(key);
      const object = objects.get(key);
      return object ? infoOf(key, object) : null;
    },
    async *list(prefix) {
      const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort(compareKeys);
      for (const key of keys) {
        const object = objects.get(key);
        if (object) yield infoOf(key, object);
      }
    },
    async delete(key) {
      assertObjectKey(key);
      objects.delete(key);
    },
    async abortUploads(prefix) {
      const unfinished = [...uploads].filter((upload) => upload.key.startsWith(prefix));
      for (const upload of unfinished) upload.forget();
      return unfinished.length;
    },
    presignGet: async () => null,
    check: async () => ({ anonymousRead: false, keepsSha256: false, clockSkewMs: null }),
  };
}

function infoOf(key: string, object: MemoryObject): ObjectInfo {
  return { key, size: object.bytes.length, lastModified: object.lastModified };
}

class MemoryWriter implements ObjectWriter {
  readonly key: string;
  readonly #put: (bytes: Uint8Array) => Promise<PutResult>;
  readonly #open: Set<MemoryWriter>;
  readonly #signal: AbortSignal | undefined;
  #blocks: Uint8Array[] = [];
  #ended = false;

  constructor(
    key: string,
    put: (bytes: Uint8Array) => Promise<PutResult>,
    options: { open: Set<MemoryWriter>; signal: AbortSignal | undefined },
  ) {
    this.key = key;
    this.#put = put;
    this.#open = options.open;
    this.#signal = options.signal;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    this.#blocks.push(bytes.slice());
  }

  async finish(): Promise<PutResult> {
    this.#assertOpen();
    this.#ended = true;
    this.#open.delete(this);
    const sizeBytes = this.#blocks.reduce((sum, block) => sum + block.length, 0);
    return await this.#put(concat(this.#blocks, sizeBytes));
  }

  async abort(): Promise<void> {
    this.#ended = true;
    this.forget();
  }

  /** As a store does that ends an upload behind its writer's back. */
  forget(): void {
    this.#open.delete(this);
    this.#blocks = [];
  }

  #assertOpen(): void {
    if (this.#ended) throw STORE_ERRORS.WRITER_CLOSED(`upload of '${this.key}' has already ended`);
    this.#signal?.throwIfAborted();
    if (!this.#open.has(this)) throw STORE_ERRORS.STORE_FAILED(`upload of '${this.key}' was aborted meanwhile`);
  }
}
