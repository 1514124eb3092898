import type { NextTask, Task } from '../runs/run-row.ts';

/** How many attempts were made before, by the tasks that this one goes on for. */
const EARLIER = 'earlierAttempts';

/** Which attempt at its objects the task makes, from 1: a task that took over another's work counts on from there. */
export function pathAttempt(task: Pick<Task, 'attempts' | 'payload'>): number {
  return Number(task.payload[EARLIER] ?? 0) + task.attempts;
}

/** A task that does again what earlier attempts may have begun: its objects get paths that none of those could write to. */
export function countingOn(next: NextTask, earlierAttempts: number): NextTask {
  return earlierAttempts === 0 ? next : { ...next, payload: { ...next.payload, [EARLIER]: earlierAttempts } };
}
