/** The report of a drill, in the shape of a restore's, so that the same pages show it. */
import type { PhaseResult, RestoreReport } from '../contracts.ts';
import { reportOf } from '../report-of.ts';
import { restoreRows } from '../restore-rows.ts';
import type { DrillSlice } from './drill-means.ts';
import { DRILL_STAGES, type DrillState } from './drill-state.ts';
import { DRILL_OPTIONS, inScratch } from './restore-context.ts';

/** What a drill without a private key proves, and what it does not. */
export const STORED_BYTES_NOTE =
  'nothing was decrypted or restored: this function has no private key, so only the stored bytes were read and compared with the manifest. `npm run backup:drill` drills elsewhere, where the key is';

/** From the marks of the scratch database, before it is gone. */
export async function restoreReportOf(slice: DrillSlice): Promise<RestoreReport> {
  const { state, means, archive } = slice;
  return await inScratch(slice, async ({ target, marks, plan, session }) => {
    const phases: PhaseResult[] = [];
    // Everything is marked as done, so that this counts and loads nothing.
    if (state.error === null) {
      const signal = new AbortController().signal;
      await restoreRows({ archive, plan, marks, sessions: [session], startedAt: 0, signal }, phases);
    }
    const timed = phases.map((phase, index) => {
      const key = `rows ${plan.phases[index]!.phase}`;
      return { ...phase, seconds: state.seconds[key] ?? 0, doneAfterSeconds: state.doneAfter[key] ?? 0 };
    });
    const report = reportOf(
      {
        ...{
          target,
          marks,
          plan,
          phases: timed.filter(({ verdict }) => verdict === 'failed'),
          differences: state.notes,
        },
        means: { platform: means.platform, targetUrl: '', archive },
        job: { options: DRILL_OPTIONS },
        startedAt: new Date(state.startedAt),
        startedMs: performance.now(),
        checks: [],
        heldBack: state.heldBack,
      },
      null,
    );
    return withState({ ...report, phases: timed, checks: state.checks }, state);
  });
}

/** Where the scratch database says nothing: stored bytes alone, or a drill that ended before it was made. */
export function bareReport({ archive, state }: DrillSlice): RestoreReport {
  const { manifest } = archive;
  const proved = state.mode === 'stored-bytes' ? [STORED_BYTES_NOTE] : [];
  return withState(
    {
      backupId: manifest.backup_id,
      location: archive.location,
      status: manifest.status,
      startedAt: state.startedAt,
      seconds: 0,
      takenAt: manifest.consistency.taken_at,
      target: {
        database: 'none: nothing was restored',
        serverVersion: manifest.source.server_version,
        supabase: false,
      },
      phases: [],
      tables: [],
      checks: state.checks,
      heldBack: [],
      differences: [...proved, ...state.notes],
      error: null,
    },
    state,
  );
}

/** The time since the start, the stages around the rows, and the error that ended it. */
function withState(report: RestoreReport, state: DrillState): RestoreReport {
  const error = state.error ?? report.error;
  return {
    ...report,
    status: error ? 'failed' : report.status,
    error,
    seconds: (Date.now() - Date.parse(state.startedAt)) / 1000,
    phases: DRILL_STAGES.flatMap((stage) => (stage === 'rows' ? report.phases : stagePhase(stage, state))),
  };
}

function stagePhase(stage: (typeof DRILL_STAGES)[number], state: DrillState): PhaseResult[] {
  const seconds = state.seconds[stage];
  if (seconds === undefined || stage === 'report') return [];
  const failed = state.error !== null && state.doneAfter[stage] === undefined;
  const now = (Date.now() - Date.parse(state.startedAt)) / 1000;
  return [
    {
      name: stage,
      seconds,
      doneAfterSeconds: state.doneAfter[stage] ?? now,
      verdict: failed ? 'failed' : 'passed',
      detail: failed ? state.error!.message : detailOf(stage, state),
    },
  ];
}

function detailOf(stage: string, state: DrillState): string {
  if (stage === 'verification')
    return `${state.verifiedObjects} objects, ${state.verifiedBytes} bytes, as the manifest states`;
  if (stage === 'database') return 'a scratch database with the platform of the live one';
  if (stage === 'checks') return `${state.checks.length} checks`;
  if (stage === 'statistics') return `${state.entries[stage] ?? 0} tables`;
  if (stage === 'destruction') return 'the database is gone';
  return `${state.entries[stage] ?? 0} entries`;
}
