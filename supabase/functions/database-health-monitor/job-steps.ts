import type { Sql } from 'postgres';
import { ERRORS } from '../_shared/errors.ts';
import type { JobStep } from '../_shared/runs/job-row.ts';

export interface StepMeans {
  readonly sql: () => Sql;
  readonly publicKeys: () => string | null;
  /** The function's secrets: those of alert channels are read by their names. */
  readonly env: (name: string) => string | undefined;
}

/** The step for a kind of job that this function works on. Throws INTERNAL for another kind: backup.job_kind is wrong then. */
export async function stepFor(kind: string, { sql, publicKeys, env }: StepMeans): Promise<JobStep> {
  // By name, and before anything of health is loaded: alerts go out also when the checks cannot be.
  if (kind === 'deliver_alerts') {
    const { alertJobStep } = await import('../_shared/alerts/alert-job.ts');
    return alertJobStep({ sql: sql(), env });
  }
  const { HEALTH_JOB, healthJobStep } = await import('../_shared/monitor/health-job.ts');
  if (kind === HEALTH_JOB) return healthJobStep({ sql: sql(), publicKeys });
  throw ERRORS.INTERNAL(`database-health-monitor knows no jobs of the kind '${kind}'`);
}
