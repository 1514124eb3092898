/** Rows of the ledger as the worker reads them; times are ISO strings in UTC, sizes bytes. */
import type { BackupRequest } from '../domain/backup-request.ts';
import type { Limit, SnapshotFacts } from '../domain/manifest-types.ts';

export interface Task {
  readonly id: number;
  readonly backupId: string;
  readonly kind: 'plan' | 'schema' | 'copy' | 'finish' | 'verify' | 'clean';
  readonly payload: Record<string, unknown>;
  readonly verificationId: string | null;
  readonly attempts: number;
  readonly leaseToken: string;
}

export interface RunRow {
  readonly backupId: string;
  readonly cadence: string;
  readonly startedAt: Date;
  readonly status: string;
  readonly stage: string;
  readonly request: BackupRequest;
  readonly reason: string | null;
  readonly label: string | null;
  readonly folder: string | null;
  readonly way: 'single-transaction' | 'keeper' | null;
  readonly consistency: SnapshotFacts | null;
  readonly catalog: CatalogFacts | null;
  readonly limits: Limit[];
  readonly manifestSha256: string | null;
}

/** What the manifest says of the source; kept in the ledger from plan to finish. */
export interface CatalogFacts {
  readonly database: string;
  readonly serverVersion: string;
  readonly serverVersionNum: number;
  readonly encoding: string;
  readonly supabase: boolean;
  readonly managedSchemas: string[];
  readonly extensions: { name: string; version: string; schema: string }[];
}

/** One stored object, as a task reports it and the ledger keeps it. */
export interface StoredSegment {
  readonly path: string;
  readonly kind: string;
  readonly schemaName: string | null;
  readonly tableName: string | null;
  readonly part: string | null;
  readonly rowCount: number | null;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly sha256: string;
  readonly storeSha256: string | null;
  readonly facts: Record<string, unknown> | null;
}

export interface NextTask {
  readonly kind: Task['kind'];
  readonly payload: Record<string, unknown>;
}

export interface RunPatch {
  readonly stage?: 'planning' | 'copying';
  readonly folder?: string;
  readonly way?: 'single-transaction' | 'keeper';
  readonly location?: string;
  readonly consistency?: SnapshotFacts;
  readonly catalog?: CatalogFacts;
  readonly limits?: Limit[];
  readonly tableCount?: number;
  readonly estimatedBytes?: number;
}
