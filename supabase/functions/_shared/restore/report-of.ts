import { ERRORS, HoldfastError } from '../errors.ts';
import type { PlannedTable, RestoreReport } from './contracts.ts';
import { leftOutAdvice, leftOutRows } from './left-out-rows.ts';
import type { Restoring } from './restore-database.ts';
import { stepsDone } from './steps-of.ts';

/** What is in the target and what is not, by the marks. `failure`: null when all of it is done. */
export function reportOf(restoring: Restoring, failure: unknown): RestoreReport {
  const { means, plan, marks, target, startedAt, startedMs, phases, checks, heldBack, differences } = restoring;
  const short = phases.filter(({ verdict }) => verdict === 'failed');
  const wrong = checks.filter(({ verdict }) => verdict === 'failed');
  const error = failure === null ? notAsBackedUp([...short, ...wrong]) : asError(failure);
  return {
    backupId: plan.backupId,
    location: means.archive.location,
    status: error ? 'failed' : means.archive.manifest.status,
    startedAt: startedAt.toISOString(),
    seconds: (performance.now() - startedMs) / 1000,
    takenAt: plan.takenAt,
    target: { database: target.database, serverVersion: target.serverVersion, supabase: target.supabase },
    phases,
    tables: plan.tables.map((table) => tableState(table, restoring)),
    checks,
    heldBack,
    differences: [...differences, ...plan.tables.flatMap((table) => leftOutAdvice(table, marks))],
    error,
  };
}

function tableState(planned: PlannedTable, { marks, job }: Restoring): RestoreReport['tables'][number] {
  const { table, action } = planned;
  const name = `${table.schema}.${table.name}`;
  if (action === 'skip' || job.options.only === 'schema')
    return { table: name, action, rows: 0, kept: 0, state: 'skipped' };
  const { rows, whole } = stepsDone(planned, marks);
  return {
    table: name,
    action,
    rows,
    kept: action === 'merge' && whole ? table.rows - rows - leftOutRows(planned, marks) : 0,
    state: whole ? 'restored' : 'not restored',
  };
}

function asError(failure: unknown): NonNullable<RestoreReport['error']> {
  const known =
    failure instanceof HoldfastError
      ? failure
      : failure === 'interrupted'
        ? ERRORS.RESTORE_INTERRUPTED('the restore was interrupted')
        : ERRORS.INTERNAL(failure instanceof Error ? failure.message : String(failure), { cause: failure });
  const { code, message, hint } = known;
  return { code, message, hint };
}

function notAsBackedUp(found: readonly { name: string; detail: string }[]): RestoreReport['error'] {
  if (found.length === 0) return null;
  const { code, message, hint } = ERRORS.RESTORE_FAILED(
    found.map(({ name, detail }) => `${name}: ${detail}`).join('; '),
  );
  return { code, message, hint };
}
