import type { RestoreReport } from '../contracts.ts';
import { reportToJson } from '../report-json.ts';
import { STORED_BYTES_NOTE } from './drill-report.ts';
import type { DrillMode, DrillState } from './drill-state.ts';

export type DrillVerdict = 'passed' | 'failed' | 'inconclusive';

/** A drill's job result: what backup.end_drill() writes into public.backup_tests. */
export interface DrillOutcome {
  readonly mode: DrillMode;
  readonly verdict: DrillVerdict;
  readonly environment: string;
  readonly errors: readonly unknown[];
  readonly verified: Record<string, unknown>;
  readonly notes: string;
  /** null: the backup could not be opened. */
  readonly report: ReturnType<typeof reportToJson> | null;
}

const NOTES_MAX_CHARS = 4000;
const SHOWN_FINDINGS = 20;

/** An extension that a second database cannot have explains a refused statement: that is no fault of the backup. */
const EXPLAINED = new Set(['RESTORE_FAILED', 'QUERY_FAILED']);

/** `report`: null when there is nothing but the error. */
export function drillOutcome(state: DrillState, report: RestoreReport | null, environment: string): DrillOutcome {
  const wrong = state.checks.filter(({ verdict }) => verdict === 'failed');
  const error = report?.error ?? state.error;
  const damaged = state.damaged.map(({ object, problem }) => ({ object, problem }));
  const notes = state.mode === 'stored-bytes' ? [STORED_BYTES_NOTE, ...state.notes] : state.notes;
  return {
    mode: state.mode,
    verdict: verdictOf(state, report),
    environment: state.mode === 'restore' ? environment : 'store',
    errors: [
      ...(error ? [{ ...error, ...(damaged.length > 0 ? { objects: damaged } : {}) }] : []),
      ...wrong.map(({ name, detail, findings }) => ({
        check: name,
        detail,
        findings: findings.slice(0, SHOWN_FINDINGS),
      })),
    ],
    verified: verifiedOf(state, report),
    notes: notes.join('; ').slice(0, NOTES_MAX_CHARS),
    report: report && reportToJson(report),
  };
}

function verifiedOf(state: DrillState, report: RestoreReport | null): Record<string, unknown> {
  return {
    mode: state.mode,
    slices: state.slices,
    objects: state.verifiedObjects,
    stored_bytes: state.verifiedBytes,
    // Up to the last row, index and statistic; the checks are not part of a recovery.
    recovery_seconds: state.doneAfter.statistics ?? null,
    phases: (report?.phases ?? []).map(({ name, seconds, verdict }) => ({ name, seconds, verdict })),
    checks: state.checks.map(({ name, verdict, detail }) => ({ name, verdict, detail })),
    tables: report?.tables.length ?? 0,
    rows: (report?.tables ?? []).reduce((sum, { rows }) => sum + rows, 0),
  };
}

function verdictOf(state: DrillState, report: RestoreReport | null): DrillVerdict {
  const error = report?.error ?? state.error;
  if (state.checks.some(({ verdict }) => verdict === 'failed')) return 'failed';
  if (error) return isServers(state, error.code) ? 'inconclusive' : 'failed';
  if (state.mode === 'stored-bytes') return 'passed';
  const rows = state.checks.find(({ name }) => name === 'row-counts');
  return rows?.verdict === 'passed' ? 'passed' : 'inconclusive';
}

/** The server where the drill was to be is to blame: no login, no right or room for a database, an extension it lacks. */
function isServers({ failedStage, withoutExtensions }: DrillState, code: string): boolean {
  if (failedStage === 'database' || code === 'RESTORE_TARGET_UNUSABLE') return true;
  return withoutExtensions.length > 0 && EXPLAINED.has(code);
}
