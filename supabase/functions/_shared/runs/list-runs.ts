/** The ledger's runs, newest first, a page at a time. Keyset paging: a page stays right while new runs arrive. */
import type { Sql } from 'postgres';

export interface RunFilter {
  readonly status?: string;
  readonly cadence?: string;
  /** Started at or after. */
  readonly since?: string;
  /** Started before. */
  readonly until?: string;
}

/** The last row of the page before. */
export interface RunPosition {
  /** Microseconds since 1970: a Date would lose some. */
  readonly startedAtUs: number;
  readonly backupId: string;
}

export interface RunSummary {
  readonly backup_id: string;
  readonly cadence: string;
  readonly status: string;
  readonly stage: string;
  readonly scope: string | null;
  readonly reason: string | null;
  readonly label: string | null;
  readonly created_by: string | null;
  readonly started_at: string;
  readonly completed_at: string | null;
  readonly table_count: number | null;
  readonly row_count: number | null;
  readonly raw_bytes: number | null;
  readonly stored_bytes: number | null;
  readonly attempt: number;
  readonly retry_of: string | null;
}

export interface RunPage {
  readonly runs: RunSummary[];
  /** Null on the last page. */
  readonly next: RunPosition | null;
}

export async function listRuns(
  sql: Sql,
  options: { filter: RunFilter; limit: number; after: RunPosition | null },
): Promise<RunPage> {
  const { filter, limit, after } = options;
  const rows = await sql`
    select backup_id, backup_type, status, stage, request ->> 'scope' as scope, reason, label, created_by,
           started_at, (extract(epoch from started_at) * 1000000)::bigint as started_at_us, completed_at, table_count, row_count, raw_bytes, stored_bytes,
           attempt, retry_of
    from public.backup_log
    where (${filter.status ?? null}::text is null or status = ${filter.status ?? null})
      and (${filter.cadence ?? null}::text is null or backup_type = ${filter.cadence ?? null})
      and (${filter.since ?? null}::text is null or started_at >= ${filter.since ?? null}::text::timestamptz)
      and (${filter.until ?? null}::text is null or started_at < ${filter.until ?? null}::text::timestamptz)
      and (${after?.startedAtUs ?? null}::bigint is null
           or (started_at, backup_id)
              < ('epoch'::timestamptz + ${after?.startedAtUs ?? null}::bigint * interval '1 microsecond', ${after?.backupId ?? null}::text))
    order by started_at desc, backup_id desc
    limit ${limit + 1}`;
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last;
  return {
    runs: page.map((row) => runSummary(row)),
    next: more ? { startedAtUs: Number(last.started_at_us), backupId: last.backup_id as string } : null,
  };
}

/** A row of backup_log as the API shows it: times in ISO 8601, sizes in bytes. */
export function runSummary(row: Record<string, unknown>): RunSummary {
  return {
    backup_id: row.backup_id as string,
    cadence: row.backup_type as string,
    status: row.status as string,
    stage: row.stage as string,
    scope: row.scope as string | null,
    reason: row.reason as string | null,
    label: row.label as string | null,
    created_by: row.created_by as string | null,
    started_at: (row.started_at as Date).toISOString(),
    completed_at: (row.completed_at as Date | null)?.toISOString() ?? null,
    table_count: toNumber(row.table_count),
    row_count: toNumber(row.row_count),
    raw_bytes: toNumber(row.raw_bytes),
    stored_bytes: toNumber(row.stored_bytes),
    attempt: Number(row.attempt),
    retry_of: row.retry_of as string | null,
  };
}

/** The driver hands bigint over as text; sizes stay far below 2^53. */
function toNumber(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
