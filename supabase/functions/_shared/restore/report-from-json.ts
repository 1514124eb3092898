import type { RestoreReport } from './contracts.ts';
import type { reportToJson } from './report-json.ts';

/** The report that reportToJson() made this of. */
export function reportFromJson(value: Record<string, unknown>): RestoreReport {
  // SAFETY: only what reportToJson() returned is stored and read back.
  const json = value as unknown as ReturnType<typeof reportToJson>;
  return {
    backupId: json.backup_id,
    location: json.location,
    status: json.status,
    startedAt: json.started_at,
    seconds: json.seconds,
    takenAt: json.taken_at,
    target: {
      database: json.target.database,
      serverVersion: json.target.server_version,
      supabase: json.target.supabase,
    },
    phases: json.phases.map(({ done_after_seconds, within_minutes, ...phase }) => ({
      ...phase,
      doneAfterSeconds: done_after_seconds,
      withinMinutes: within_minutes,
    })),
    tables: json.tables,
    checks: json.checks,
    heldBack: json.held_back.map(({ activate_sql, ...held }) => ({ ...held, activateSql: activate_sql })),
    differences: json.differences,
    error: json.error,
  };
}
