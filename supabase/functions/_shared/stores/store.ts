/** The contract of every store. One suite (tests/contract) runs against all implementations. */

export interface ObjectInfo {
  readonly key: string;
  readonly size: number;
  readonly lastModified: Date | null;
  /** Hex SHA-256 that the store itself computed at upload and answers with; undefined where it keeps none. */
  readonly storeSha256?: string;
}

export interface PutResult {
  readonly key: string;
  readonly size: number;
  /** Hex SHA-256 of the bytes as sent. */
  readonly sha256: string;
  readonly etag?: string;
  /** The store's own checksum, as in ObjectInfo. */
  readonly storeSha256?: string;
}

export interface PutOptions {
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** A streaming upload of unknown length. Memory is bounded by one part. */
export interface ObjectWriter {
  /** Takes a copy or sends before resolving; the caller may reuse the buffer afterwards. */
  write(bytes: Uint8Array): Promise<void>;
  /** The object becomes visible only here, whole. */
  finish(): Promise<PutResult>;
  /** Leaves nothing behind. Idempotent; safe after finish() failed. */
  abort(): Promise<void>;
}

export interface Store {
  readonly kind: 's3' | 'directory' | 'memory';
  /** For people, without secrets: `s3://bucket/prefix on host`, `/path`. */
  readonly location: string;
  /** Overwrites atomically; safe to call twice. `key` is relative to the store's prefix. Throws STORE_*, OBJECT_KEY_INVALID. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<PutResult>;
  /** Single PUT while small, multipart above; the part size is the store's business. */
  openWriter(key: string, options?: PutOptions): ObjectWriter;
  /** Throws OBJECT_MISSING. `range` is inclusive start, exclusive end. */
  get(key: string, range?: { start: number; end: number }): Promise<ReadableStream<Uint8Array>>;
  /** Whole object in memory; throws OBJECT_MISSING, and OBJECT_TOO_LARGE above `maxBytes`. */
  getBytes(key: string, maxBytes?: number): Promise<Uint8Array>;
  /** null when there is no such object. */
  head(key: string): Promise<ObjectInfo | null>;
  /** All objects whose key begins with `prefix`, in key order (UTF-8 bytes). */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Idempotent: deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /** Aborts unfinished multipart uploads below `prefix`; returns how many. */
  abortUploads(prefix: string): Promise<number>;
  /** A URL that reads the object for `seconds` without credentials, or null where the store has none. */
  presignGet(key: string, seconds: number): Promise<string | null>;
  /** Proves that the store can be written, read and deleted, and whether strangers can read it. Leaves nothing behind. */
  check(): Promise<StoreCheck>;
}

export interface StoreCheck {
  readonly anonymousRead: boolean;
  /** True where head/put answer with a checksum the store computed. */
  readonly keepsSha256: boolean;
  /** Store clock minus ours, milliseconds; null where the store has no clock. */
  readonly clockSkewMs: number | null;
}
