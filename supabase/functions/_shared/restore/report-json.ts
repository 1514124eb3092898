import type { CheckResult, HeldBack, PhaseResult, RestoreReport } from './contracts.ts';

/** A report as machines read it: the object of --json and of .json files. */
export function reportToJson(report: RestoreReport) {
  return {
    status: report.status,
    backup_id: report.backupId,
    location: report.location,
    taken_at: report.takenAt,
    started_at: report.startedAt,
    seconds: report.seconds,
    target: {
      database: report.target.database,
      server_version: report.target.serverVersion,
      supabase: report.target.supabase,
    },
    phases: report.phases.map(phaseToJson),
    tables: report.tables.map(({ table, action, rows, kept, state }) => ({ table, action, rows, kept, state })),
    checks: report.checks.map(checkToJson),
    held_back: report.heldBack.map(heldBackToJson),
    differences: report.differences,
    error: report.error,
  };
}

function phaseToJson({ name, seconds, doneAfterSeconds, withinMinutes, verdict, detail }: PhaseResult) {
  return {
    name,
    seconds,
    done_after_seconds: doneAfterSeconds,
    within_minutes: withinMinutes ?? null,
    verdict,
    detail,
  };
}

function checkToJson({ name, verdict, detail, findings, seconds }: CheckResult) {
  return { name, verdict, detail, findings, seconds };
}

function heldBackToJson({ kind, name, activateSql, reason }: HeldBack) {
  return { kind, name, activate_sql: activateSql, reason };
}
