/** What the parts of a restore promise each other. A restore is: open, check, plan (pure), then do; see restore-database.ts. */
import type { Manifest, ManifestTable } from '../domain/manifest-types.ts';
import type { ProjectConfig } from '../domain/project-config.ts';
import type { PgSession } from '../postgres/session.ts';

/** A backup that is open for reading: its manifest is checked and its keys are known to fit. */
export interface Archive {
  /** For people: store and folder, or the file. */
  readonly location: string;
  readonly manifest: Manifest;
  /** Fingerprint of who signed the manifest, checked; null: it is not signed, or no public key was given to check it with. */
  readonly signedBy: string | null;
  /** Stored bytes of one object, in order; throws ARCHIVE_DAMAGED at its end when size or SHA-256 are not the manifest's. */
  readStored(path: string): AsyncIterable<Uint8Array>;
  /** The same, decrypted and decompressed. What was yielded is proved only when the stream has ended without an error. */
  read(path: string): AsyncIterable<Uint8Array>;
}

export type ConflictRule = 'fail' | 'skip' | 'replace';

export interface RestoreOptions {
  /** `schema.table`, or a bare name in public; null: all. */
  readonly tables: readonly string[] | null;
  /** Only these schemas; null: all. */
  readonly schemas: readonly string[] | null;
  readonly renameSchema: { readonly from: string; readonly to: string } | null;
  readonly only: 'data' | 'schema' | null;
  /** What happens to a table that the target has. */
  readonly onConflict: ConflictRule;
  /** Connections that load and build at the same time, 1 to 16. */
  readonly jobs: number;
  /** False is safe mode: what would act by itself stays off. */
  readonly activate: boolean;
}

/** What the target is, read before anything is planned. */
export interface TargetFacts {
  readonly database: string;
  readonly serverVersion: string;
  readonly serverVersionNum: number;
  readonly encoding: string;
  readonly role: string;
  readonly superuser: boolean;
  readonly supabase: boolean;
  /** Tables that are neither the system's, an extension's nor the platform's. */
  readonly tables: readonly {
    readonly schema: string;
    readonly name: string;
    readonly hasRows: boolean;
    /** Those that can be written, in their order. */
    readonly columns: readonly string[];
  }[];
  /** Tables of the platform's schemas, with the columns that can be written, in their order. */
  readonly managedTables: readonly {
    readonly schema: string;
    readonly name: string;
    readonly columns: readonly string[];
  }[];
  readonly schemas: readonly string[];
  readonly roles: readonly string[];
  /** Names that CREATE EXTENSION knows. */
  readonly availableExtensions: readonly string[];
}

/** One statement, or few that belong together, under one heading of pg_dump. */
export interface DumpEntry {
  /** As pg_dump writes it: `bookings bookings_pkey` for a constraint, `TABLE bookings` for its grants. */
  readonly name: string;
  /** `TABLE`, `INDEX`, `FK CONSTRAINT`, `TRIGGER`, `ACL` …; `` for what stands before the first heading. */
  readonly type: string;
  /** '' for what is in no schema. */
  readonly schema: string;
  readonly owner: string;
  /** SQL with its heading. */
  readonly sql: string;
}

export interface PlannedTable {
  readonly table: ManifestTable;
  /** Where it goes: differs from `table` under --rename-schema. */
  readonly target: { readonly schema: string; readonly name: string };
  /** 1 is restored first. */
  readonly phase: number;
  readonly action: 'load' | 'skip' | 'replace' | 'merge';
  /** Columns that are loaded, in the archive's order; fewer than the archive's only for the platform's tables. */
  readonly columns: readonly string[];
}

export interface PlannedPhase {
  readonly phase: number;
  readonly name: string;
  /** What people look at when it is over. */
  readonly validate: string;
  /** Minutes after the start by which it is to be over; null: no such promise. */
  readonly withinMinutes: number | null;
  readonly tables: number;
  readonly rows: number;
  readonly rawBytes: number;
}

export interface RestorePlan {
  readonly backupId: string;
  /** The moment that the database will show. */
  readonly takenAt: string;
  readonly tables: readonly PlannedTable[];
  /** Partitioned tables that come with chosen tables, by the backup's names; [] where no tables were named. */
  readonly partitioned: readonly { readonly schema: string; readonly name: string }[];
  readonly phases: readonly PlannedPhase[];
  readonly schemaSections: { readonly preData: boolean; readonly sequences: boolean; readonly postData: boolean };
  readonly totals: {
    readonly tables: number;
    readonly rows: number;
    readonly rawBytes: number;
    readonly storedBytes: number;
  };
  /** Seconds, by the rate of measured restores; a guess that is said to be one. */
  readonly expectedSeconds: number;
  /** For people: what will differ from the source, and why. */
  readonly notes: readonly string[];
  /**
   * What the target has already stays as it is, instead of ending the restore. Decided once: a later attempt finds what
   * the first one made. Absent in a plan that an older version stored.
   */
  readonly tolerant?: boolean;
  /** All that the first attempt found to differ, the notes too; later it could not be told. Only in a stored plan. */
  readonly differences?: readonly string[];
}

/** Something that would act by itself and was therefore left off. */
export interface HeldBack {
  readonly kind: 'cron-job' | 'trigger' | 'publication' | 'subscription' | 'event-trigger';
  readonly name: string;
  /** The SQL that turns it on. */
  readonly activateSql: string;
  /** Why it was held back. */
  readonly reason: string;
}

export interface PhaseResult {
  readonly name: string;
  readonly seconds: number;
  /** Seconds after the start of the restore. */
  readonly doneAfterSeconds: number;
  /** The plan's promise for this phase, in minutes after the start; absent or null: there is none. */
  readonly withinMinutes?: number | null;
  readonly verdict: 'passed' | 'failed' | 'inconclusive';
  readonly detail: string;
}

export interface CheckResult {
  readonly name: string;
  readonly verdict: 'passed' | 'failed' | 'inconclusive';
  /** One sentence: what was found, or why it could not be found out. */
  readonly detail: string;
  /** Names and numbers, never row data. */
  readonly findings: readonly string[];
  readonly seconds: number;
}

/** A check of a restored database; each is one file in restore/checks/. */
export interface Check {
  /** `foreign-keys`, `sequences` … */
  readonly name: string;
  /** What it proves, one sentence for the report. */
  readonly proves: string;
  run(context: CheckContext): Promise<Omit<CheckResult, 'name' | 'seconds'>>;
}

export interface CheckContext {
  /** To the restored database, as its owner. */
  readonly session: PgSession;
  readonly manifest: Manifest;
  readonly plan: RestorePlan;
  /** Opens one more session, for checks that change roles or settings. The check closes it. */
  openSession(): Promise<PgSession>;
  /** Rows of one object of the archive; see Archive.read. */
  read(path: string): AsyncIterable<Uint8Array>;
  /** What the backup noted of the project; null or absent: it noted nothing. */
  readonly config?: Pick<ProjectConfig, 'rls_probes' | 'rls_probes_left_out'> | null;
  /** What safe mode left off; a disabled trigger among them is no defect. */
  readonly heldBack?: readonly HeldBack[];
  /** Raw bytes of a table up to which its content is read row by row; default 256 MiB, null: any size. */
  readonly contentLimitBytes?: number | null;
}

export interface RestoreReport {
  readonly backupId: string;
  readonly location: string;
  readonly status: 'completed' | 'completed_with_limits' | 'failed';
  readonly startedAt: string;
  readonly seconds: number;
  readonly takenAt: string;
  readonly target: { readonly database: string; readonly serverVersion: string; readonly supabase: boolean };
  readonly phases: readonly PhaseResult[];
  readonly tables: readonly {
    readonly table: string;
    readonly action: PlannedTable['action'];
    readonly rows: number;
    /** Rows of the archive that the target had already; only for `merge`. */
    readonly kept: number;
    readonly state: 'restored' | 'skipped' | 'not restored';
  }[];
  readonly checks: readonly CheckResult[];
  readonly heldBack: readonly HeldBack[];
  /** What differs from the source, and why. */
  readonly differences: readonly string[];
  /** Present when it failed: the error, and what to do next. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

export type RestoreEvent =
  | { readonly type: 'checking'; readonly bytes: number }
  | { readonly type: 'checked'; readonly bytes: number }
  | { readonly type: 'planned'; readonly plan: RestorePlan }
  | { readonly type: 'phase'; readonly name: string }
  | { readonly type: 'table'; readonly name: string }
  | { readonly type: 'rows'; readonly bytes: number }
  | { readonly type: 'statement'; readonly done: number; readonly of: number }
  | { readonly type: 'notice'; readonly text: string };
