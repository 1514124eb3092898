/** The ledger from manifests alone, for a project that lost its database but not its bucket. */
import { createHash } from 'node:crypto';
import type { JSONValue, Sql } from 'postgres';
import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { rowsOfManifest } from './rows-of-manifest.ts';

export type BackupToRebuild =
  | {
      readonly folder: string;
      readonly manifest: Manifest;
      readonly manifestBytes: number;
      readonly manifestSha256: string;
    }
  | { readonly folder: string; readonly problem: HoldfastError };

export interface RebuildJob {
  readonly store: Store;
  /** Every backup of the store; a folder that is not named here counts as gone. */
  readonly backups: AsyncIterable<BackupToRebuild>;
  /** Only look: nothing is inserted. */
  readonly dryRun: boolean;
  readonly onBackup?: (backupId: string) => void;
}

export interface RebuiltLedger {
  /** Inserted, or with `dryRun` to be inserted. */
  readonly added: readonly { readonly backupId: string; readonly folder: string }[];
  /** Backups whose row was there and was left as it is. */
  readonly kept: number;
  /** Folders that were passed over: their manifest cannot be read. */
  readonly damaged: readonly { readonly folder: string; readonly problem: HoldfastError }[];
  /** Completed rows of this store whose folder has no manifest any more. They are left alone. */
  readonly gone: readonly { readonly backupId: string; readonly folder: string }[];
  /** Completed rows of other stores, about which this one says nothing. */
  readonly elsewhere: number;
}

const SIGNATURE_MAX_BYTES = 1024 * 1024;

/**
 * Inserts what the finish task would have written for every backup that the ledger does not know, each backup in one
 * transaction. Rows that exist are never changed, so it may be called again, also while backups run.
 * Throws LEDGER_MISSING where the migrations were not applied, and what store and database throw.
 */
export async function rebuildLedger(sql: Sql, job: RebuildJob): Promise<RebuiltLedger> {
  await assertLedger(sql);
  const known = await readKnown(sql);
  const seen = new Set<string>();
  const added: { backupId: string; folder: string }[] = [];
  const damaged: { folder: string; problem: HoldfastError }[] = [];
  let kept = 0;
  for await (const backup of job.backups) {
    seen.add(backup.folder);
    if ('problem' in backup) {
      damaged.push(backup);
      continue;
    }
    const backupId = backup.manifest.backup_id;
    job.onBackup?.(backupId);
    const isNew = !known.has(backupId) && (job.dryRun || (await insertBackup(sql, job.store, backup)));
    if (isNew) added.push({ backupId, folder: backup.folder });
    else kept += 1;
  }
  return { added, kept, damaged, ...compareRows(known, { seen, location: job.store.location }) };
}

async function assertLedger(sql: Sql): Promise<void> {
  const [row] = await sql`
    select pg_catalog.to_regclass('public.backup_log') is not null
       and pg_catalog.to_regclass('backup.segment') is not null
       and pg_catalog.to_regclass('backup.run_table') is not null as there`;
  if (row!.there !== true) throw ERRORS.LEDGER_MISSING('the tables of Holdfast are not in this database');
}

interface KnownRow {
  readonly folder: string | null;
  readonly location: string | null;
  readonly completed: boolean;
}

async function readKnown(sql: Sql): Promise<Map<string, KnownRow>> {
  const rows = await sql`
    select backup_id, folder, location, status in ('completed', 'completed_with_limits') as completed
    from public.backup_log`;
  return new Map(rows.map(({ backup_id, ...row }) => [backup_id as string, row as unknown as KnownRow]));
}

function compareRows(
  known: ReadonlyMap<string, KnownRow>,
  { seen, location }: { seen: ReadonlySet<string>; location: string },
): Pick<RebuiltLedger, 'gone' | 'elsewhere'> {
  const completed = [...known].filter(([, row]) => row.completed && row.folder !== null);
  const here = completed.filter(([, row]) => row.location === null || row.location === location);
  const gone = here
    .filter(([, row]) => !seen.has(row.folder!))
    .map(([backupId, row]) => ({ backupId, folder: row.folder! }));
  return { gone, elsewhere: completed.length - here.length };
}

/** False when somebody else inserted the row first. */
async function insertBackup(
  sql: Sql,
  store: Store,
  backup: Extract<BackupToRebuild, { manifest: Manifest }>,
): Promise<boolean> {
  const signature = backup.manifest.signing ? await readSignature(store, backup.folder) : null;
  const { log, segments, tables } = rowsOfManifest({ ...backup, signature, location: store.location });
  return await sql.begin(async (transaction) => {
    const json = (value: unknown) => transaction.json(value as JSONValue);
    const inserted = await transaction`
      insert into public.backup_log
        (backup_id, backup_type, reason, started_at, completed_at, created_at, status, stage, request, label, folder, way,
         consistency, catalog, limits, table_count, row_count, object_count, raw_bytes, stored_bytes, estimated_bytes,
         manifest_sha256, location)
      select r.backup_id, r.backup_type, r.reason, r.started_at, r.completed_at, r.started_at, r.status, 'done', r.request,
             r.label, r.folder, r.way, r.consistency, r.catalog, r.limits, r.table_count, r.row_count, r.object_count,
             r.raw_bytes, r.stored_bytes, r.raw_bytes, r.manifest_sha256, r.location
      from pg_catalog.jsonb_to_record(${json(log)}) as r(
        backup_id text, backup_type text, reason text, started_at timestamptz, completed_at timestamptz, status text,
        request jsonb, label text, folder text, way text, consistency jsonb, catalog jsonb, limits jsonb,
        table_count integer, row_count bigint, object_count integer, raw_bytes bigint, stored_bytes bigint,
        manifest_sha256 text, location text)
      on conflict (backup_id) do nothing
      returning backup_id`;
    if (inserted.length === 0) return false;
    await transaction`
      insert into backup.segment
        (backup_id, path, kind, schema_name, table_name, part, row_count, raw_bytes, stored_bytes, sha256, store_sha256,
         created_at)
      select ${log.backup_id}, o.path, o.kind, o.schema_name, o.table_name, o.part, o.row_count, o.raw_bytes,
             o.stored_bytes, o.sha256, o.store_sha256, ${log.completed_at}::text::timestamptz
      from pg_catalog.jsonb_to_recordset(${json(segments)}) as o(
        path text, kind text, schema_name text, table_name text, part text, row_count bigint, raw_bytes bigint,
        stored_bytes bigint, sha256 text, store_sha256 text)
      on conflict do nothing`;
    await transaction`
      insert into backup.run_table (backup_id, schema_name, table_name, estimated_bytes, estimated_rows, slices, facts)
      select ${log.backup_id}, t.schema_name, t.table_name, t.estimated_bytes, t.estimated_rows, t.slices, t.facts
      from pg_catalog.jsonb_to_recordset(${json(tables)}) as t(
        schema_name text, table_name text, estimated_bytes bigint, estimated_rows bigint, slices integer, facts jsonb)
      on conflict do nothing`;
    return true;
  });
}

/** Null when it is gone: the verification and every restore will say so; the row is right without it. */
async function readSignature(store: Store, folder: string): Promise<{ size: number; sha256: string } | null> {
  try {
    const bytes = await store.getBytes(`${folder}/manifest.json.sig`, SIGNATURE_MAX_BYTES);
    return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    if (error instanceof HoldfastError && ['OBJECT_MISSING', 'OBJECT_TOO_LARGE'].includes(error.code)) return null;
    throw error;
  }
}
