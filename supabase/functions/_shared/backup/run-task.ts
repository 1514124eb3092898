/**
 * One worker call: claim one task, do it, finish it. Every step may run twice, and a worker that dies leaves a lease
 * that ends by itself; so there is no other recovery code than doing the step again.
 */

import { catalogueError } from '../errors/driver-error.ts';
import type { Log } from '../log.ts';
import type { Ledger } from '../runs/ledger.ts';
import type { Task } from '../runs/run-row.ts';
import type { BackupMeans, WorkLimits } from './backup-settings.ts';
export interface WorkerContext {
  readonly ledger: Ledger;
  /** Called when a task needs it, so that broken configuration fails the task with a clear error. */
  readonly equip: () => Promise<Equipment>;
  readonly log: Log;
}

export interface Equipment {
  readonly means: BackupMeans;
  readonly limits: WorkLimits;
}

export interface TaskContext extends Equipment {
  readonly task: Task;
  readonly ledger: Ledger;
}

/** Loaded when needed: module evaluation counts against the call's CPU. */
const STEPS: Record<Task['kind'], (context: TaskContext) => Promise<void>> = {
  plan: async (context) => (await import('./plan-run.ts')).planRun(context),
  schema: async (context) => (await import('./schema-task.ts')).schemaTask(context),
  copy: async (context) => (await import('./copy-task.ts')).copyTask(context),
  finish: async (context) => (await import('./finish-run.ts')).finishRun(context),
  verify: async (context) => (await import('./verify-task.ts')).verifyTask(context),
  clean: async (context) => (await import('./clean-run.ts')).cleanRun(context),
};

/** Returns the task that it worked on, or null when nothing was due. A failed task is recorded, not thrown. */
export async function runTask(context: WorkerContext, worker: string): Promise<Task | null> {
  const task = await context.ledger.claimTask(worker);
  if (!task) return null;
  const facts = { task: task.id, kind: task.kind, backup_id: task.backupId, attempt: task.attempts };
  try {
    await STEPS[task.kind]({ task, ledger: context.ledger, ...(await context.equip()) });
    context.log.info('task ended', facts);
  } catch (error) {
    await recordFailure(context, task, error, facts);
  }
  return task;
}

async function recordFailure(context: WorkerContext, task: Task, error: unknown, facts: object): Promise<void> {
  const known = catalogueError(error);
  context.log.error('task failed', { ...facts, error: known.toJSON() });
  if (known.code === 'LEASE_LOST') return; // the task is another worker's now: nothing of ours counts any more
  try {
    await context.ledger.failTask(task, known);
  } catch (second) {
    // The database did not take the failure: the lease ends by itself and tick() puts the task back.
    context.log.error('failure not recorded', { ...facts, error: String(second) });
  }
}
