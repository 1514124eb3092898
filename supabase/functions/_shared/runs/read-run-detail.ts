/** One run as operators see it: its row, its limits or error, and its newest verification. */
import type { Sql } from 'postgres';
import type { Limit } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import { type RunSummary, runSummary } from './list-runs.ts';

export interface VerificationSummary {
  readonly verification_id: string;
  readonly kind: string | null;
  readonly state: 'in_progress' | 'passed' | 'failed' | 'inconclusive';
  readonly started_at: string | null;
  readonly success: boolean | null;
  readonly details: Record<string, unknown>;
}

export interface RunDetail extends RunSummary {
  readonly way: string | null;
  readonly folder: string | null;
  readonly location: string | null;
  readonly manifest_sha256: string | null;
  readonly limits: Limit[];
  readonly error: Record<string, unknown> | null;
  readonly verification: VerificationSummary | null;
}

/** Throws NOT_FOUND. */
export async function readRunDetail(sql: Sql, backupId: string): Promise<RunDetail> {
  const [row] = await sql`
    select backup_id, backup_type, status, stage, request ->> 'scope' as scope, reason, label, created_by, started_at,
           completed_at, table_count, row_count, raw_bytes, stored_bytes, attempt, retry_of,
           way, folder, location, manifest_sha256, limits, error
    from public.backup_log where backup_id = ${backupId}`;
  if (!row) throw ERRORS.NOT_FOUND(`there is no backup '${backupId}'`);
  return {
    ...runSummary(row),
    way: row.way,
    folder: row.folder,
    location: row.location,
    manifest_sha256: row.manifest_sha256,
    limits: row.limits,
    error: row.error,
    verification: await readNewestVerification(sql, backupId),
  };
}

async function readNewestVerification(sql: Sql, backupId: string): Promise<VerificationSummary | null> {
  const [row] = await sql`
    select id, verification_type, verification_date, success, details
    from public.backup_verification where backup_id = ${backupId}
    order by verification_date desc nulls last, id limit 1`;
  if (!row) return null;
  const { kind, state, ...details } = (row.details ?? {}) as Record<string, unknown>;
  return {
    verification_id: row.id,
    kind: typeof kind === 'string' ? kind : row.verification_type,
    state: verificationState(state, row.success),
    started_at: (row.verification_date as Date | null)?.toISOString() ?? null,
    success: row.success,
    details,
  };
}

/** `details.state` is written when the verification ends; rows from elsewhere have the verdict alone. */
function verificationState(state: unknown, success: boolean | null): VerificationSummary['state'] {
  if (state === 'passed' || state === 'failed' || state === 'inconclusive') return state;
  if (success === null) return 'in_progress';
  return success ? 'passed' : 'failed';
}
