/** A small database: everything in this call and in one transaction, from the snapshot that the session holds. */
import { HoldfastError } from '../errors.ts';
import type { PgSession } from '../postgres/session.ts';
import type { RunPatch, RunRow, StoredSegment } from '../runs/run-row.ts';
import { platformExtensions } from './catalog-facts.ts';
import { type CopyJob, copySlice } from './copy-slice.ts';
import { dumpSchemaObject, SCHEMA_SECTIONS } from './dump-schema-object.ts';
import { handToKeeper } from './hand-to-keeper.ts';
import { WORKER_LOCK_WAIT_MS } from './lock-tables.ts';
import { pathAttempt } from './path-attempt.ts';
import { type Planned, planRow } from './plan-run.ts';
import type { TaskContext } from './run-task.ts';
import { takesConfig, writeConfigObject } from './write-config-object.ts';

export interface AtOnce {
  readonly run: RunRow;
  readonly session: PgSession;
  readonly planned: Planned;
  readonly patch: RunPatch;
}

export async function copyAtOnce(context: TaskContext, { run, session, planned, patch }: AtOnce): Promise<void> {
  const { task, ledger, means, limits } = context;
  const common = { codec: run.request.codec ?? ('zstd' as const), folder: patch.folder!, attempt: pathAttempt(task) };
  await ledger.savePlan(task, planned.plans.map(planRow));
  const objects: StoredSegment[] = [];
  for (const section of SCHEMA_SECTIONS) {
    objects.push(
      await dumpSchemaObject(means, {
        ...common,
        section,
        snapshot: patch.consistency!.snapshot!,
        excludeSchemas: planned.catalog.managedSchemas,
        platformExtensions: platformExtensions(planned.catalog),
        excludeTables: planned.excludeTables,
        lockWaitMs: limits.lockWaitMs ?? WORKER_LOCK_WAIT_MS,
      }),
    );
  }
  if (takesConfig(run.request)) {
    objects.push(await writeConfigObject(means, session, { ...common, source: patch.catalog! }));
  }
  const job: Omit<CopyJob, 'table' | 'slice'> = {
    ...common,
    format: run.request.format ?? 'copy',
    where: run.request.where ?? [],
    exportDate: patch.consistency!.taken_at,
    maxBytes: limits.maxRowBytes,
  };
  try {
    for (const { table, slices } of planned.plans) {
      for (const slice of slices) objects.push(await copySlice(means, session, { ...job, table, slice }));
    }
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'SLICE_TOO_LARGE') throw error;
    // It looked smaller before it was unpacked from TOAST.
    return await handToKeeper(context, pathAttempt(task));
  }
  await ledger.finishTask(task, { objects, run: patch });
}
