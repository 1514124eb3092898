import { countingOn } from './path-attempt.ts';
import type { TaskContext } from './run-task.ts';

/**
 * Ends a plan whose database is too large for one call: the next one plans for many calls, in a keeper's snapshot.
 * `earlierAttempts`: how many attempts may have stored objects of this run.
 */
export async function handToKeeper({ task, ledger }: TaskContext, earlierAttempts: number): Promise<void> {
  await ledger.startKeeper(task.backupId); // it starts while the next call does
  const next = countingOn({ kind: 'plan', payload: { keeper: true } }, earlierAttempts);
  await ledger.finishTask(task, { next: [next], run: { stage: 'planning' } });
}
