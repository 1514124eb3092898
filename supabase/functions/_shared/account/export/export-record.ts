/** The rows of backup.account_export, as a user and the worker see them. */
import type { JSONValue } from 'postgres';
import type { Sql } from '../../postgres/open-driver.ts';
import type { Layout } from './layout.ts';

export type ExportFormat = 'zip' | 'json';

export interface ExportRecord {
  readonly id: string;
  readonly userId: string;
  readonly way: 'stream' | 'job' | 'operator';
  readonly state: 'streaming' | 'pending' | 'ready' | 'delivered' | 'failed' | 'cancelled' | 'expired';
  readonly format: ExportFormat;
  readonly lang: string;
  readonly requestedAt: Date;
  readonly endedAt: Date | null;
  readonly expiresAt: Date | null;
  /** Hex; null: nobody can read the parts any more. */
  readonly key: string | null;
  readonly layout: Layout | null;
  readonly sizeBytes: number | null;
  readonly rowCount: number | null;
  readonly fileCount: number | null;
  readonly error: { readonly code?: string } | null;
  /** Of the job: rows, files and bytes so far. */
  readonly progress: { rowCount?: number; fileCount?: number; rawBytes?: number; phase?: string } | null;
}

/** null for one that does not exist, and for another user's: the same query, which looks for both ids at once. */
export async function findExport(sql: Sql, userId: string, id: string): Promise<ExportRecord | null> {
  const [row] = await sql<ExportRecord[]>`
    select e.id, e.user_id as "userId", e.way, e.state, e.format, e.lang, e.requested_at as "requestedAt",
      e.ended_at as "endedAt", e.expires_at as "expiresAt", pg_catalog.encode(e.key, 'hex') as key, e.layout,
      e.size_bytes as "sizeBytes", e.row_count as "rowCount", e.file_count as "fileCount", e.error,
      case when e.state = 'pending' then pg_catalog.json_build_object(
        'rowCount', j.progress -> 'rowCount', 'fileCount', j.progress -> 'fileCount',
        'rawBytes', j.progress -> 'rawBytes', 'phase', j.progress -> 'phase') end as progress
    from backup.account_export e left join backup.job j on j.id = e.job_id
    where e.id = ${id} and e.user_id = ${userId} and e.way <> 'operator'`;
  return row ?? null;
}

export interface NewExport {
  readonly userId: string;
  readonly way: ExportRecord['way'];
  readonly format: ExportFormat;
  readonly lang: string;
  /** Hex; jobs only. */
  readonly key?: string;
}

/** started: it is this caller's to make (a job: the queue's). open: one is under way. refused: too many. */
export type StartedExport =
  | { readonly outcome: 'started' | 'open'; readonly export_id: string; readonly way: string; readonly state: string }
  | {
      readonly outcome: 'refused';
      readonly per_day: number;
      readonly retry_after_seconds: number;
      /** One that can be downloaded still. */
      readonly export_id: string | null;
    };

/** One open export per user, however many ask at once; it is recorded in security_events_log. */
export async function startExport(sql: Sql, { userId, way, format, lang, key }: NewExport): Promise<StartedExport> {
  const [row] = await sql`
    select backup.start_account_export(
      ${userId}, ${way}, ${format}, ${lang}, pg_catalog.decode(${key ?? null}, 'hex')) as started`;
  const started = row!.started as StartedExport;
  if (started.outcome === 'started' && way === 'job') await sql`select backup.dispatch_jobs()`;
  return started;
}

/** For one that was begun as a stream and is too large for it. `key`: hex. */
export async function queueExport(sql: Sql, id: string, key: string): Promise<void> {
  await sql`select backup.queue_account_export(${id}, pg_catalog.decode(${key}, 'hex'))`;
  await sql`select backup.dispatch_jobs()`;
}

export interface StreamEnd {
  readonly state: 'delivered' | 'failed';
  readonly sizeBytes: number;
  readonly rowCount: number;
  readonly fileCount: number;
  readonly error?: object;
}

/** Of an export that was sent at once, or written by an operator. */
export async function endStream(sql: Sql, id: string, end: StreamEnd): Promise<void> {
  const error = end.error ? sql.json(end.error as JSONValue) : null;
  await sql`select backup.end_account_stream(
    ${id}, ${end.state}, ${end.sizeBytes}, ${end.rowCount}, ${end.fileCount}, ${error}::jsonb)`;
}
