/** All rows are stored: the tools, the checksums and the manifest are written, in this order, and the run is a backup. */
import { periodOf } from '../domain/period.ts';
import type { Table } from '../postgres/catalog-types.ts';
import type { StoredSegment } from '../runs/run-row.ts';
import type { TaskContext } from './run-task.ts';
import { sealBackup } from './seal-backup.ts';
import { verifyBatches } from './verify-batches.ts';

export async function finishRun(context: TaskContext): Promise<void> {
  const { task, ledger, means } = context;
  const run = await ledger.readRun(task.backupId);
  const segments = await ledger.readSegments(task.backupId);
  const plan = await ledger.readPlan(task.backupId);
  await removeStrays(context, run.folder!, segments);
  const sealed = await sealBackup(means, {
    backupId: run.backupId,
    folder: run.folder!,
    cadence: run.cadence,
    period: periodOf(run.cadence, run.startedAt, run.label ?? undefined),
    label: run.label,
    request: run.request,
    startedAt: run.startedAt,
    limits: run.limits,
    source: run.catalog!,
    way: run.way!,
    consistency: run.consistency!,
    tables: plan.map((row) => row.facts as unknown as Table),
    segments,
    beforePut: () => ledger.extendLease(task),
  });
  await ledger.completeRun(task, {
    objects: sealed.objects,
    totals: { ...sealed.totals, manifest_sha256: sealed.manifestSha256 },
    verify: verifyBatches(
      sealed.manifest.objects.map((object) => object.size),
      'quick',
    ),
  });
}

/**
 * A worker that lost its lease after its upload leaves an object that no task owns. The lease is asked about each time:
 * to an attempt that comes too late, the manifest of the one that took its place looks like a stray.
 */
async function removeStrays({ task, ledger, means }: TaskContext, folder: string, owned: StoredSegment[]) {
  const paths = new Set(owned.map((object) => `${folder}/${object.path}`));
  for await (const object of means.store.list(`${folder}/`)) {
    if (paths.has(object.key)) continue;
    await ledger.extendLease(task);
    await means.store.delete(object.key);
  }
}
