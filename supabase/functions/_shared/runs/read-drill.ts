import type { Sql } from 'postgres';
import { ERRORS } from '../errors.ts';
import { type DrillSummary, drillStatus, drillSummary } from './list-drills.ts';

export interface DrillDetail extends DrillSummary {
  readonly errors: Record<string, unknown>[];
  readonly verified: Record<string, unknown>;
  readonly report: Record<string, unknown> | null;
  readonly progress: Record<string, unknown> | null;
  readonly jobId: string | null;
}

/** Throws NOT_FOUND. */
export async function readDrill(sql: Sql, drillId: string): Promise<DrillDetail> {
  const [row] = await sql`
    select *, ${drillStatus(sql)} as shown_status from public.backup_tests where id = ${drillId}::uuid`;
  if (!row) throw ERRORS.NOT_FOUND(`there is no drill ${drillId}`);
  const summary = drillSummary(row);
  return {
    ...summary,
    errors: Array.isArray(row.errors) ? row.errors : [],
    verified: isObject(row.data_verified) ? row.data_verified : {},
    report: isObject(row.report) ? row.report : null,
    progress: summary.status === 'in_progress' ? await readProgress(sql, row.job_id) : null,
    jobId: row.job_id,
  };
}

async function readProgress(sql: Sql, jobId: string | null): Promise<Record<string, unknown> | null> {
  const [job] = await sql`select progress, error from backup.job where id = ${jobId}::uuid`;
  if (!job) return null;
  const { mode, stage, slices, verifiedObjects, verifiedBytes, restoredBytes, checks } = job.progress;
  return {
    mode: mode ?? null,
    phase: stage ?? null,
    slices: slices ?? 0,
    verified_objects: verifiedObjects ?? 0,
    verified_bytes: verifiedBytes ?? 0,
    restored_bytes: restoredBytes ?? 0,
    checks: checks?.length ?? 0,
    error: job.error,
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
