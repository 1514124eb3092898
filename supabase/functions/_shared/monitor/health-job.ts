import type { Sql } from 'postgres';
import type { JobStep } from '../runs/job-row.ts';
import { makeReport } from './make-report.ts';

/** The kind of job that evaluates health without anyone asking: one slice, started by the heartbeat. */
export const HEALTH_JOB = 'health_check';

export function healthJobStep(means: { readonly sql: Sql; readonly publicKeys: () => string | null }): JobStep {
  return async () => {
    const { state, severity, checks } = await makeReport({ sql: means.sql, publicKeys: means.publicKeys() });
    const bad = checks.filter((check) => check.state !== 'healthy').map(({ name }) => name);
    return { state: 'done', result: { state, severity, not_healthy: bad } };
  };
}
