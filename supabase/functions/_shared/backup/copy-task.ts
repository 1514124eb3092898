/** Copies the slices of one task from the run's snapshot; what proves too large is cut in two and queued again. */
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Slice, Table } from '../postgres/catalog-types.ts';
import { openSession } from '../postgres/open-session.ts';
import { cutSlice } from '../postgres/plan-slices.ts';
import type { PgSession } from '../postgres/session.ts';
import { beginSnapshot } from '../postgres/snapshot.ts';
import type { NextTask, RunRow, StoredSegment, Task } from '../runs/run-row.ts';
import { type CopyJob, copySlice } from './copy-slice.ts';
import { lockTables, WORKER_LOCK_WAIT_MS } from './lock-tables.ts';
import { countingOn, pathAttempt } from './path-attempt.ts';
import type { TaskContext } from './run-task.ts';
import { tableKey } from './table-facts.ts';

export interface SliceRef {
  readonly schema: string;
  readonly name: string;
  readonly slice: Slice;
}

export async function copyTask(context: TaskContext): Promise<void> {
  const { task, ledger, means, limits } = context;
  const run = await ledger.readRun(task.backupId);
  const refs = task.payload.slices as SliceRef[];
  // A worker that vanished twice over the same rows was probably stopped by the platform: smaller pieces then.
  if (task.attempts > 2 && refs.length > 1) return await queueSingly(context, refs);
  const plan = await ledger.readPlan(task.backupId, refs); // of a thousand tables the facts are megabytes
  const tables = new Map(plan.map((row) => [tableKey(row.schema_name, row.table_name), row.facts as unknown as Table]));
  const session = await openSession(means.platform, means.databaseUrl, { applicationName: 'holdfast copy' });
  try {
    await beginSnapshot(session, { import: run.consistency!.snapshot! });
    // The keeper's locks are older than its snapshot: a table made in between is not among them.
    await lockTables(session, [...tables.values()], limits.lockWaitMs ?? WORKER_LOCK_WAIT_MS);
    await copyAll(context, { session, run, refs, tables });
  } finally {
    await session.close();
  }
}

interface CopyAll {
  readonly session: PgSession;
  readonly run: RunRow;
  readonly refs: SliceRef[];
  readonly tables: Map<string, Table>;
}

async function copyAll(context: TaskContext, { session, run, refs, tables }: CopyAll): Promise<void> {
  const { task, ledger, means, limits } = context;
  const objects: StoredSegment[] = [];
  for (const [index, ref] of refs.entries()) {
    const table = tables.get(tableKey(ref.schema, ref.name))!;
    const job: CopyJob = {
      ...jobOf(run),
      table,
      slice: ref.slice,
      attempt: pathAttempt(task),
      maxBytes: limits.maxRowBytes,
    };
    try {
      objects.push(await copySlice(means, session, job));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'SLICE_TOO_LARGE') throw error;
      // The abandoned COPY took the connection with it: what is left of this task becomes tasks of its own.
      const halves = cutOrThrow(ref, table, limits.maxRowBytes).map((half) => [half]);
      const rest = refs.slice(index + 1);
      await ledger.finishTask(task, { objects, next: goOn(task, rest.length > 0 ? [...halves, rest] : halves) });
      return;
    }
  }
  await ledger.finishTask(task, { objects });
}

function jobOf(run: RunRow) {
  return {
    folder: run.folder!,
    format: run.request.format ?? ('copy' as const),
    codec: run.request.codec ?? ('zstd' as const),
    where: run.request.where ?? [],
    exportDate: run.consistency!.taken_at,
  };
}

export function copyTaskOf(slices: SliceRef[]): NextTask {
  return { kind: 'copy', payload: { slices } };
}

async function queueSingly({ task, ledger }: TaskContext, refs: SliceRef[]): Promise<void> {
  await ledger.finishTask(task, {
    next: goOn(
      task,
      refs.map((ref) => [ref]),
    ),
  });
}

/** What this attempt has not begun becomes tasks of their own; earlier attempts may have begun it. */
function goOn(task: Task, groups: SliceRef[][]): NextTask[] {
  return groups.map((slices) => countingOn(copyTaskOf(slices), pathAttempt(task) - 1));
}

function cutOrThrow(ref: SliceRef, table: Table, maxRowBytes: number): SliceRef[] {
  const halves = cutSlice(ref.slice, { blocks: table.blocks });
  if (halves) return halves.map((slice) => ({ ...ref, slice }));
  const at = `(${ref.slice.range.fromBlock},${ref.slice.range.fromTuple ?? 1})`;
  throw ERRORS.ROW_TOO_LARGE(
    `the row at ctid ${at} of ${ref.schema}.${ref.name} is larger than BACKUP_MAX_ROW_BYTES (${maxRowBytes} bytes)`,
    { details: { table: `${ref.schema}.${ref.name}`, ctid: at, max_row_bytes: maxRowBytes } },
  );
}
