import { runFolder } from './run-folder.ts';
import type { TaskContext } from './run-task.ts';

/** Removes everything that a failed or cancelled run stored, manifest first, so that no half of it looks like a backup. */
export async function cleanRun({ task, ledger, means }: TaskContext): Promise<void> {
  const run = await ledger.readRun(task.backupId);
  const folder = `${runFolder(run)}/`;
  await means.store.delete(`${folder}manifest.json`);
  let deleted = 0;
  for await (const object of means.store.list(folder)) {
    await means.store.delete(object.key);
    deleted += 1;
  }
  const aborted = await means.store.abortUploads(folder);
  await ledger.finishTask(task, { result: { deleted, aborted } });
}
