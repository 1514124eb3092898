/** One batch of a verification; the first task of one that was asked for later only makes the batches. */

import { readSealed } from './read-sealed.ts';
import type { TaskContext } from './run-task.ts';
import { type VerifyKind, verifyBatches } from './verify-batches.ts';
import { verifyObjects } from './verify-objects.ts';

export async function verifyTask({ task, ledger, means }: TaskContext): Promise<void> {
  const run = await ledger.readRun(task.backupId);
  const kind = task.payload.kind as VerifyKind;
  const sealed = await readSealed(means.store, run.folder!, run.manifestSha256);
  if ('problem' in sealed) {
    return await ledger.finishVerifyTask(task, { objects: 1, bytes: 0, hashed: 0, problems: [sealed.problem] });
  }
  if (task.payload.plan === true) {
    const batches = verifyBatches(
      sealed.objects.map((object) => object.size),
      kind,
    );
    const next = batches.map((batch) => ({ kind: 'verify' as const, payload: { kind, ...batch } }));
    return await ledger.finishTask(task, { next });
  }
  const { from, to } = task.payload as { from: number; to: number };
  const result = await verifyObjects(means.store, {
    folder: run.folder!,
    objects: sealed.objects.slice(from, to),
    kind,
  });
  await ledger.finishVerifyTask(task, result);
}
