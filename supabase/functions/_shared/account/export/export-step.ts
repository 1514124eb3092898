/** One slice of a large export: as many rows and files as a worker call may handle, into one encrypted part of the store. */
import { ERRORS } from '../../errors.ts';
import type { Sql } from '../../postgres/open-driver.ts';
import type { PgSession } from '../../postgres/session.ts';
import type { JobHold, JobOutcome, JobStep } from '../../runs/job-row.ts';
import { keepLease } from '../../runs/keep-lease.ts';
import type { Store } from '../../stores/store.ts';
import { digestPlan } from './digest-plan.ts';
import type { ProjectAccess } from './export-means.ts';
import { planExport } from './export-plan.ts';
import { type ExportRecord, findExport } from './export-record.ts';
import { readExportSettings } from './export-settings.ts';
import type { ExportState } from './export-state.ts';
import { layOut, layoutBytes } from './layout.ts';
import { PartSink } from './package-sink.ts';
import { openPartCipher } from './part-cipher.ts';
import { resumeExport } from './resume-export.ts';
import { runPackage } from './run-package.ts';
import { createSliceBudget } from './slice-budget.ts';

/** Well within a worker's life of 75 s with the end of the slice. */
const WALL_MS = 40_000;

export interface ExportStepMeans {
  readonly sql: Sql;
  readonly openSession: () => Promise<PgSession>;
  readonly store: Store;
  readonly project: ProjectAccess;
}

/** Throws what runPackage() throws; EXPORT_GONE when the request was cancelled; EXPORT_PLAN_CHANGED, SUBJECT_UNKNOWN. */
export function exportStep(means: ExportStepMeans): JobStep {
  return async (hold) => {
    const record = await openRecord(means.sql, hold);
    const session = await means.openSession();
    const stopExtending = keepLease(hold);
    try {
      return await writeSlice(means, { hold, record, session });
    } finally {
      stopExtending();
      await session.close();
    }
  };
}

async function openRecord(sql: Sql, { job }: JobHold): Promise<ExportRecord & { key: string }> {
  const record = await findExport(sql, job.subject!, String(job.payload.export_id));
  if (record?.state === 'pending' && record.key !== null) return { ...record, key: record.key };
  throw ERRORS.EXPORT_GONE(`export ${job.payload.export_id} is not to be made any more`);
}

interface Slice {
  readonly hold: JobHold;
  readonly record: ExportRecord & { key: string };
  readonly session: PgSession;
}

async function writeSlice(means: ExportStepMeans, { hold, record, session }: Slice): Promise<JobOutcome> {
  const { sql, store, project } = means;
  const settings = await readExportSettings(sql);
  const plan = await planExport(sql, record.userId);
  const state = await resumeExport(store, {
    exportId: record.id,
    progress: hold.job.progress,
    startedMs: record.requestedAt.getTime(),
    planDigest: await digestPlan(sql, plan),
  });
  const before = mark(state);
  const cipher = await openPartCipher(record.key, record.id);
  const sink = new PartSink(state, { store, cipher, exportId: record.id });
  const budget = createSliceBudget({ bytes: settings.sliceBytes, wallMs: WALL_MS });
  const { format, lang, id: exportId } = record;
  try {
    const { limits } = settings;
    const run = {
      sql,
      session,
      project,
      plan,
      state,
      budget,
      sink,
      format,
      lang,
      exportId,
      limits,
      oneSnapshot: false,
    };
    await runPackage(run);
    await sink.finishPart();
  } catch (error) {
    await sink.abort();
    throw error;
  }
  if (state.phase === 'done') return { state: 'done', result: resultOf(state) };
  // Going on like this would never end.
  if (mark(state) === before) throw ERRORS.STORAGE_UNREACHABLE(`nothing was read within ${WALL_MS / 1000} s`);
  return { state: 'again', progress: state };
}

function mark({ phase, category, table, cursor, rawBytes, fileCursor, parts }: ExportState): string {
  return JSON.stringify([phase, category, table, cursor, rawBytes, fileCursor, parts.length]);
}

function resultOf(state: ExportState) {
  const layout = layOut(state.parts, state.pieces);
  return { layout, size_bytes: layoutBytes(layout), row_count: state.rowCount, file_count: state.fileCount };
}
