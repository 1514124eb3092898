/** Rows of backup_tests, newest first, a page at a time; those that scripts recorded too. */
import type { Sql } from 'postgres';

export interface DrillFilter {
  readonly status?: string;
  readonly backup_id?: string;
  /** Started at or after. */
  readonly since?: string;
  /** Started before. */
  readonly until?: string;
}

/** The last row of the page before. */
export interface DrillPosition {
  /** Microseconds since 1970: a Date would lose some. */
  readonly startedAtUs: number;
  readonly drillId: string;
}

export interface DrillSummary {
  readonly drill_id: string;
  readonly backup_id: string;
  readonly kind: string;
  readonly status: string;
  readonly environment: string | null;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly started_by: string | null;
  readonly notes: string | null;
}

export async function listDrills(
  sql: Sql,
  { filter, limit, after }: { filter: DrillFilter; limit: number; after: DrillPosition | null },
): Promise<{ drills: DrillSummary[]; next: DrillPosition | null }> {
  const rows = await sql`
    select *, (extract(epoch from started_at) * 1000000)::bigint as started_at_us
    from (select *, ${drillStatus(sql)} as shown_status from public.backup_tests) as test
    where (${filter.status ?? null}::text is null or shown_status = ${filter.status ?? null})
      and (${filter.backup_id ?? null}::text is null or backup_id = ${filter.backup_id ?? null})
      and (${filter.since ?? null}::text is null or started_at >= ${filter.since ?? null}::text::timestamptz)
      and (${filter.until ?? null}::text is null or started_at < ${filter.until ?? null}::text::timestamptz)
      and started_at is not null
      and (${after?.startedAtUs ?? null}::bigint is null
           or (started_at, id)
              < ('epoch'::timestamptz + ${after?.startedAtUs ?? null}::bigint * interval '1 microsecond', ${after?.drillId ?? null}::uuid))
    order by started_at desc, id desc
    limit ${limit + 1}`;
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const more = rows.length > limit && last;
  return {
    drills: page.map(drillSummary),
    next: more ? { startedAtUs: Number(last.started_at_us), drillId: last.id as string } : null,
  };
}

/** Scripts and earlier versions recorded no status. */
export function drillStatus(sql: Sql) {
  return sql`coalesce(status, case when success then 'passed' when not success then 'failed'
    when completed_at is null then 'in_progress' else 'inconclusive' end)`;
}

export function drillSummary(row: Record<string, unknown>): DrillSummary {
  return {
    drill_id: row.id as string,
    backup_id: row.backup_id as string,
    kind: row.test_type as string,
    status: row.shown_status as string,
    environment: row.test_environment as string | null,
    started_at: (row.started_at as Date | null)?.toISOString() ?? null,
    completed_at: (row.completed_at as Date | null)?.toISOString() ?? null,
    started_by: row.tested_by as string | null,
    notes: row.notes as string | null,
  };
}
