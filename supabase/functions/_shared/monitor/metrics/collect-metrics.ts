import type { Sql } from 'postgres';
import { TOOL } from '../../domain/tool.ts';
import { readHealthState } from '../read-health-state.ts';
import { backupMetrics } from './backup-metrics.ts';
import { healthMetrics } from './health-metrics.ts';
import { gauge, type Metric } from './metric.ts';
import { problemMetrics } from './problem-metrics.ts';
import { scheduleMetrics } from './schedule-metrics.ts';
import { workMetrics } from './work-metrics.ts';

/** Everything that is measured, read from tables in one moment: a scrape runs no check and writes nothing. */
export async function collectMetrics(sql: Sql): Promise<Metric[]> {
  return (await sql.begin('isolation level repeatable read read only', async (scope) => {
    const at = scope as unknown as Sql;
    return [
      gauge('holdfast_build_info', 'The version that answers.', [{ labels: { version: TOOL.version }, value: 1 }]),
      ...(await backupMetrics(at)),
      ...(await workMetrics(at)),
      ...(await scheduleMetrics(at)),
      ...healthMetrics(await readHealthState(at)),
      ...(await problemMetrics(at)),
    ];
  })) as Metric[];
}
