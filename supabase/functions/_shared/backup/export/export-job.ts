import type { Recipient } from '../../archive/contracts.ts';
import type { BackupRequest } from '../../domain/backup-request.ts';
import type { FormatName } from '../../domain/formats.ts';
import type { Limit, SnapshotFacts } from '../../domain/manifest-types.ts';
import type { VerifyKind } from '../verify-batches.ts';
import type { VerifyResult } from '../verify-objects.ts';
import type { UnfinishedFolder } from './find-unfinished.ts';

export interface ExportJob {
  readonly request: BackupRequest;
  /** `sql`: one file that psql can load, in place of one object per slice. */
  readonly format: FormatName | 'sql';
  /** Slices that are copied at the same time, each over a connection of its own. */
  readonly jobs: number;
  readonly verify: VerifyKind;
  /**
   * Aborting stops the work and removes what it stored; exportDatabase() then rejects with EXPORT_INTERRUPTED. After the
   * event `completed` the backup stays, and only what is still looked for is given up.
   */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: ExportEvent) => void;
}

export type ExportEvent =
  | { readonly type: 'planned'; readonly folder: string; readonly tables: number; readonly estimatedBytes: number }
  | { readonly type: 'table'; readonly name: string }
  | { readonly type: 'rows'; readonly rows: number; readonly bytes: number }
  | { readonly type: 'sealing' }
  | { readonly type: 'verifying'; readonly bytes: number }
  | { readonly type: 'verified'; readonly bytes: number }
  /** The backup is in the store and verified: whatever happens now, it stays. */
  | { readonly type: 'completed' }
  /** Only where the backup becomes one file: bytes in all, then bytes done. */
  | { readonly type: 'packing'; readonly bytes: number }
  | { readonly type: 'packed'; readonly bytes: number }
  | { readonly type: 'cleaning' };

export interface ExportResult {
  readonly backupId: string;
  /** Below the store's location, without a slash at the end. */
  readonly folder: string;
  readonly location: string;
  readonly status: 'completed' | 'completed_with_limits';
  readonly limits: readonly Limit[];
  readonly tables: number;
  readonly rows: number;
  /** Bytes of schema and rows before compression. */
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly objects: number;
  readonly durationMs: number;
  readonly consistency: SnapshotFacts;
  readonly recipients: readonly Recipient[];
  readonly signed: boolean;
  readonly manifestSha256: string;
  readonly verification: { readonly kind: VerifyKind } & VerifyResult;
  /** Folders of the same store that have no manifest: exports that were killed, or that still run elsewhere. */
  readonly unfinished: readonly UnfinishedFolder[];
  /** What could not be found out beside the backup, which is none the worse for it. */
  readonly warnings: readonly string[];
}
