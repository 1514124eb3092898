/**
 * A drill as a job, slice by slice: every stored byte is read and hashed; with the private key the backup is then
 * restored into a scratch database, checked, and the database dropped. A fault of the backup ends the drill with its
 * verdict; a store or server that does not answer is tried again.
 */
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { JobHold, JobOutcome, JobStep } from '../../runs/job-row.ts';
import { keepLease } from '../../runs/keep-lease.ts';
import { checksSlice } from './checks-slice.ts';
import type { DrillMeans, DrillSlice } from './drill-means.ts';
import { type DrillOutcome, drillOutcome } from './drill-outcome.ts';
import { bareReport, restoreReportOf } from './drill-report.ts';
import { DRILL_STAGES, type DrillMode, type DrillStage, type DrillState, newDrillState } from './drill-state.ts';
import { type DrillArchive, openDrillArchive } from './open-drill-archive.ts';
import { postDataSlice } from './post-data-slice.ts';
import { rowsSlice } from './rows-slice.ts';
import { schemaSlice } from './schema-slice.ts';
import { createScratch, dropScratch, scratchName } from './scratch-database.ts';
import { shapeScratch } from './shape-scratch.ts';
import { COST, sliceBudget } from './slice-budget.ts';
import { statisticsSlice } from './statistics-slice.ts';
import { verifySlice } from './verify-slice.ts';

/** True: the stage is over. */
type Work = (slice: DrillSlice) => Promise<boolean>;

const WORK: Record<DrillStage, Work> = {
  verification: async (slice) => (await verifySlice(slice)) && refuseDamaged(slice.state),
  database: makeDatabase,
  schema: schemaSlice,
  rows: rowsSlice,
  'indexes, constraints, triggers and policies': postDataSlice,
  statistics: statisticsSlice,
  checks: checksSlice,
  report: async (slice) => {
    slice.state.report = await restoreReportOf(slice);
    return true;
  },
  destruction: async (slice) => {
    await dropScratch(slice.means, slice.target.database);
    return true;
  },
};

/** What is done in one piece waits for a slice of its own when this one has not enough left. */
const NEEDS: Partial<Record<DrillStage, number>> = {
  database: COST.database,
  schema: COST.ddl,
  'indexes, constraints, triggers and policies': COST.ddl,
};

/** Opening costs a signature, a key and a manifest: an isolate that serves the next slice too keeps the archive. */
const opened = new Map<string, DrillArchive>();

/** The step of jobs of kind `drill`. `means` may throw CONFIG_INVALID and KEY_UNUSABLE: then the job fails. */
export function drillStep(means: (backupId: string) => Promise<DrillMeans>): JobStep {
  return async (hold) => {
    const backupId = String(hold.job.payload.backup_id);
    const stopExtending = keepLease(hold);
    try {
      return await oneSlice(await means(backupId), backupId, hold);
    } finally {
      stopExtending();
    }
  };
}

async function oneSlice(means: DrillMeans, backupId: string, hold: JobHold): Promise<JobOutcome> {
  const archive = await openOrFail(means, backupId, hold);
  if (!('archive' in archive)) return { state: 'done', result: archive };
  const slice = sliceOf(means, archive, hold);
  const { state, budget } = slice;
  state.slices += 1;
  for (;;) {
    const over = await runStage(slice);
    if (over && isLast(state)) break;
    if (over) state.stage = following(state);
    if (!over || budget.isSpent() || budget.left() < (NEEDS[state.stage] ?? 0))
      return { state: 'again', progress: state };
    await hold.save(state);
  }
  const report = state.report ?? bareReport(slice);
  opened.delete(hold.job.id);
  return { state: 'done', result: drillOutcome(state, withDestruction(report, state), means.environment) };
}

/** A backup that cannot be opened is a drill that failed; the scratch database of earlier slices goes with it. */
async function openOrFail(means: DrillMeans, backupId: string, hold: JobHold): Promise<DrillArchive | DrillOutcome> {
  const known = opened.get(hold.job.id);
  if (known) return known;
  try {
    const archive = await openDrillArchive(means, backupId);
    opened.clear();
    opened.set(hold.job.id, archive);
    return archive;
  } catch (error) {
    if (!isVerdict(error)) throw error;
    await dropScratch(means, scratchName(hold.job.id));
    const mode = modeOf(means);
    const state = newDrillState(mode, '', hold.job.createdAt);
    state.error = { code: error.code, message: error.message, hint: error.hint };
    return drillOutcome(state, null, means.environment);
  }
}

function sliceOf(means: DrillMeans, { archive, manifestSha256 }: DrillArchive, hold: JobHold): DrillSlice {
  const saved = hold.job.progress as Partial<DrillState>;
  const state =
    saved.stage === undefined ? newDrillState(modeOf(means), manifestSha256, new Date()) : (saved as DrillState);
  if (state.error === null && state.manifestSha256 !== manifestSha256) {
    state.error = {
      code: 'MANIFEST_INVALID',
      message: 'manifest.json was changed while the drill read the backup',
      hint: 'Find out who writes into the store, then drill the backup again.',
    };
    state.stage = lastStages(state);
  }
  return {
    ...{ means, archive, state, hold },
    budget: sliceBudget({ bytes: means.limits.sliceBytes, seconds: means.limits.sliceSeconds }),
    target: { ...means.server, database: scratchName(hold.job.id) },
  };
}

const modeOf = ({ decipher }: DrillMeans): DrillMode => (decipher ? 'restore' : 'stored-bytes');

async function runStage(slice: DrillSlice): Promise<boolean> {
  const { state } = slice;
  const { stage } = state;
  const begun = performance.now();
  const note = () => {
    state.seconds[stage] = (state.seconds[stage] ?? 0) + (performance.now() - begun) / 1000;
  };
  try {
    const over = await WORK[stage](slice);
    note();
    if (over) state.doneAfter[stage] = (Date.now() - Date.parse(state.startedAt)) / 1000;
    return over;
  } catch (error) {
    // Past the report nothing more can be said of the backup.
    if (!isVerdict(error) || stage === 'report' || stage === 'destruction') throw error;
    note();
    state.error = { code: error.code, message: error.message, hint: error.hint };
    state.failedStage = stage;
    state.stage = lastStages(state);
    return false;
  }
}

/** Permanent, and about the backup or its restore: not about our lease, connection or configuration. */
function isVerdict(error: unknown): error is HoldfastError {
  if (!(error instanceof HoldfastError) || error.kind !== 'permanent') return false;
  return error.code !== 'CONFIG_INVALID' && error.code !== 'LEASE_LOST' && error.code !== 'DRILL_TOO_LARGE';
}

/** After an error: what is in the scratch database is told if it got that far, and then it goes. */
function lastStages({ mode, stage }: DrillState): DrillStage {
  const inScratch = DRILL_STAGES.indexOf(stage) > DRILL_STAGES.indexOf('schema');
  return mode === 'restore' && inScratch ? 'report' : 'destruction';
}

function following(state: DrillState): DrillStage {
  return DRILL_STAGES[DRILL_STAGES.indexOf(state.stage) + 1]!;
}

function isLast({ mode, stage }: DrillState): boolean {
  return stage === 'destruction' || (mode === 'stored-bytes' && stage === 'verification');
}

function refuseDamaged({ damaged, verifiedObjects }: DrillState): boolean {
  const [first] = damaged;
  if (!first) return true;
  const all = `${damaged.length} of ${verifiedObjects} objects are damaged, the first: ${first.problem}`;
  throw ERRORS.ARCHIVE_DAMAGED(damaged.length === 1 ? first.problem : all, { details: { objects: damaged } });
}

async function makeDatabase(slice: DrillSlice): Promise<boolean> {
  const { means, archive, state, target } = slice;
  const { manifest } = archive;
  const rawBytes = manifest.tables.reduce((sum, table) => sum + table.raw_bytes, 0);
  if (rawBytes > means.limits.maxBytes) {
    throw ERRORS.DRILL_TOO_LARGE(
      `the backup has ${rawBytes} bytes of rows; a scratch database may take ${means.limits.maxBytes}`,
      { details: { rawBytes, maxBytes: means.limits.maxBytes } },
    );
  }
  await createScratch(means, { name: target.database, encoding: manifest.source.encoding });
  const shape = await shapeScratch(slice);
  slice.budget.spend(COST.database);
  state.withoutExtensions.push(...shape.withoutExtensions);
  state.notes.push(...shape.notes);
  return true;
}

/** The report was made before its database went. */
function withDestruction<T extends NonNullable<DrillState['report']>>(report: T, state: DrillState): T {
  const seconds = state.seconds.destruction;
  if (seconds === undefined || state.mode === 'stored-bytes') return report;
  const doneAfterSeconds = state.doneAfter.destruction ?? report.seconds;
  const phase = {
    name: 'destruction',
    seconds,
    doneAfterSeconds,
    verdict: 'passed',
    detail: 'the database is gone',
  } as const;
  const phases = [...report.phases.filter(({ name }) => name !== 'destruction'), phase];
  return { ...report, phases, seconds: (Date.now() - Date.parse(state.startedAt)) / 1000 };
}
