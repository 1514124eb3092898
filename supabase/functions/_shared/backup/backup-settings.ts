import type { Cipher, Codec } from '../archive/contracts.ts';
import type { Signer } from '../archive/sign-manifest.ts';
import type { Platform } from '../platform.ts';
import type { Store } from '../stores/store.ts';

/** What every step of a backup needs, built once by the entry file. */
export interface BackupMeans {
  readonly platform: Platform;
  /** Direct connection, role `postgres` on Supabase. */
  readonly databaseUrl: string;
  readonly store: Store;
  readonly cipher: Cipher;
  /** Opens the signing key when it is needed: most worker calls sign nothing. Null: manifests are not signed. */
  readonly signing: (() => Promise<Signer>) | null;
  readonly codecFor: (name: Codec['name']) => Codec;
}

/** Bounds of one worker call; bytes, because the platform shows no CPU counter. */
export interface WorkLimits {
  /** Expected COPY text per slice. */
  readonly sliceBytes: number;
  /** COPY text after which a slice is abandoned and cut in two; also the largest row. */
  readonly maxRowBytes: number;
  /** A database up to this size is backed up by one call in one transaction; 0: never. */
  readonly singleCallBytes: number;
  /** How long one table's lock is waited for, also by pg_dump; well below a lease. Default 20 s. */
  readonly lockWaitMs?: number;
  /** How long the plan looks for rows that are too large; what it does not find the copy does. Default 20 s. */
  readonly largeRowsMs?: number;
}
