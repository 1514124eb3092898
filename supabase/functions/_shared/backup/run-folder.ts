import { backupFolder } from '../domain/object-path.ts';
import { periodOf } from '../domain/period.ts';
import type { RunRow } from '../runs/run-row.ts';

/** Where a run's objects are, without a slash at the end; a pure function of the run, so that cleaning needs no plan. */
export function runFolder(run: Pick<RunRow, 'backupId' | 'cadence' | 'startedAt' | 'label'>): string {
  const period = periodOf(run.cadence, run.startedAt, run.label ?? undefined);
  return backupFolder({ cadence: run.cadence, period, backupId: run.backupId });
}
