/**
 * What `manifest.json` says, field by field as it stands in the file. Free of zod, so that a worker that only writes
 * manifests does not load a parser; manifest.ts has the schema, docs/archive-format.md the words.
 */
import type { RowFilter } from './backup-request.ts';
import type { Cadence } from './cadence.ts';
import type { CodecName, FormatName } from './formats.ts';

/** Readers refuse a newer major; a minor only adds fields. */
export const MANIFEST_VERSION = { major: 1, minor: 0 } as const;

/** Something the platform did not let the backup take. */
export interface Limit {
  readonly code: string;
  /** What it is about, `schema.table` for tables. */
  readonly object: string;
  readonly message: string;
}

/** The moment that the backup shows. */
export interface SnapshotFacts {
  /** Name of the exported snapshot, or null when nothing had to import it. */
  readonly snapshot: string | null;
  /** pg_current_snapshot() in it: decides later which transactions it does not contain. */
  readonly pg_snapshot: string;
  /** pg_current_wal_lsn() when it was taken, or null on a server that has none. */
  readonly lsn: string | null;
  /** ISO time in UTC. */
  readonly taken_at: string;
}

export type ConsistencyWay = 'single-transaction' | 'keeper' | 'own-connection';

export interface ManifestTable {
  readonly schema: string;
  readonly name: string;
  /** Copied columns in the order of the segments; generated ones are not copied. */
  readonly columns: string[];
  /** In a schema that the platform manages: data only. */
  readonly managed: boolean;
  /** Of a partition: the partitioned table at the root. */
  readonly partition_root?: { readonly schema: string; readonly name: string };
  /** p permanent, u unlogged. */
  readonly persistence: 'p' | 'u';
  readonly rows: number;
  readonly raw_bytes: number;
  readonly stored_bytes: number;
  /** Format json only: by column, how many JSON null values became SQL NULL. */
  readonly json_null_columns?: Record<string, number>;
  /** Paths in row order. */
  readonly segments: string[];
}

export interface ManifestObject {
  /** Relative to the backup's folder. */
  readonly path: string;
  readonly kind: 'pre-data' | 'post-data' | 'sequences' | 'segment' | 'database' | 'config' | 'tool';
  /** Stored bytes. */
  readonly size: number;
  /** Hex SHA-256 of the stored bytes. */
  readonly sha256: string;
  /** Bytes before compression and encryption. */
  readonly raw_bytes: number;
  readonly rows?: number;
  /** The store's own checksum of upload time, if it keeps one. */
  readonly store_sha256?: string;
}

export interface ManifestRecipient {
  /** Upper-case hex fingerprint of the primary key. */
  readonly fingerprint: string;
  readonly user_id: string;
  /** ISO time, or null: never. */
  readonly expires_at: string | null;
}

export interface Manifest {
  readonly format: 'holdfast-archive';
  readonly version: { readonly major: number; readonly minor: number };
  readonly backup_id: string;
  readonly cadence: Cadence;
  readonly period: string;
  readonly label?: string;
  readonly reason?: string;
  readonly scope: 'full' | 'critical' | { readonly tables: string[]; readonly where?: RowFilter[] };
  readonly created_at: string;
  readonly completed_at: string;
  readonly status: 'completed' | 'completed_with_limits';
  readonly limits: Limit[];
  readonly tool: { readonly name: string; readonly version: string };
  readonly source: {
    readonly database: string;
    readonly server_version: string;
    readonly server_version_num: number;
    readonly encoding: string;
    readonly supabase: boolean;
    readonly system_identifier?: string;
  };
  readonly consistency: SnapshotFacts & { readonly way: ConsistencyWay };
  /** What the rows are stored as. `sql`: everything in one object of kind database. */
  readonly data_format: FormatName | 'sql';
  readonly codec: CodecName;
  readonly encryption: null | { readonly scheme: 'openpgp'; readonly recipients: ManifestRecipient[] };
  readonly signing: null | { readonly fingerprint: string };
  readonly schema: {
    readonly managed_schemas: string[];
    readonly extensions: { readonly name: string; readonly version: string; readonly schema: string }[];
    /** Paths of the sections of DDL in the order of a restore: pre-data, sequences, post-data. */
    readonly sections: string[];
  };
  readonly tables: ManifestTable[];
  readonly objects: ManifestObject[];
  readonly totals: {
    readonly tables: number;
    readonly rows: number;
    readonly objects: number;
    readonly raw_bytes: number;
    readonly stored_bytes: number;
  };
}
