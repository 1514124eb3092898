import { ERRORS } from '../errors.ts';
import type { RunRow } from '../runs/run-row.ts';
import type { TaskContext } from './run-task.ts';

/** How long one call waits; the rest of the waiting is done by later calls. */
const WAIT_PER_CALL_MS = 20_000;
const POLL_MS = 250;
/** pg_cron before 1.5 starts jobs on the minute, and the keeper may wait 30 s for a lock. */
const LATEST_AFTER_MS = 180_000;

/**
 * Starts the run's keeper if there is none and waits for its snapshot's name.
 * Returns null when the task was put back to wait in another call.
 * Throws KEEPER_UNAVAILABLE without pg_cron, KEEPER_LATE when it does not come.
 */
export async function awaitKeeper({ task, ledger }: TaskContext, run: RunRow): Promise<string | null> {
  if (!(await ledger.startKeeper(run.backupId))) {
    throw ERRORS.KEEPER_UNAVAILABLE('pg_cron is not installed, and this database needs more than one worker call');
  }
  const until = Date.now() + WAIT_PER_CALL_MS;
  while (Date.now() < until) {
    const snapshot = await ledger.keeperSnapshot(run.backupId);
    if (snapshot) return snapshot;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (Date.now() - run.startedAt.getTime() > LATEST_AFTER_MS) {
    throw ERRORS.KEEPER_LATE(`pg_cron has not started the snapshot's keeper within ${LATEST_AFTER_MS / 1000} s`);
  }
  await ledger.deferTask(task, 0);
  return null;
}
