/** What the parts of the archive promise each other. */
import type { CodecName } from '../domain/formats.ts';

export type { CodecName, FormatName } from '../domain/formats.ts';

/** Every block becomes an independent frame (zstd) or member (gzip); concatenated frames are one valid stream. */
export interface Codec {
  readonly name: CodecName;
  /** '.zst', '.gz' or ''. */
  readonly extension: string;
  /** How many compress() calls at the same time make sense; 1 when not said. */
  readonly parallel?: number;
  /** May take ownership of `block`. */
  compress(block: Uint8Array): Promise<Uint8Array>;
  /** A block of exactly this size that compress() took and is done with, to be filled again; null when there is none. */
  spareBlock?(sizeBytes: number): Uint8Array | null;
  /** Whether each result of compress() is alone in its buffer, so that the buffer may be freed after use. */
  readonly ownsFrames?: boolean;
}

export interface Recipient {
  /** Upper-case hex fingerprint of the primary key. */
  readonly fingerprint: string;
  /** First user id, for people. */
  readonly userId: string;
  /** ISO date, or null: never. */
  readonly expiresAt: string | null;
}

export interface Cipher {
  /** '.pgp' or ''. */
  readonly extension: string;
  readonly recipients: Recipient[];
  /** One OpenPGP message (SEIPD v1 with MDC, no compression) readable by GnuPG 2.2; holds HELD_BYTES of the source at most. */
  encrypt(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** One stored object of a backup, as the manifest lists it. */
export interface StoredObject {
  /** Relative to the backup's folder. */
  readonly path: string;
  readonly kind: 'pre-data' | 'post-data' | 'sequences' | 'segment' | 'database' | 'config' | 'tool';
  readonly size: number;
  readonly sha256: string;
  readonly rawBytes: number;
  readonly rows?: number;
  /** The store's own checksum of upload time, if it keeps one. */
  readonly storeSha256?: string;
}
