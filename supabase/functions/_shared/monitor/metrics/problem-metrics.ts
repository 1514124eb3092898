import type { Sql } from 'postgres';
import { gauge, type Metric } from './metric.ts';

const SEVERITIES = ['info', 'warning', 'critical'];

/** Open problems by severity, 0 included; empty where alerts are not installed. */
export async function problemMetrics(sql: Sql): Promise<Metric[]> {
  const [there] = await sql`select to_regclass('backup.problem') is not null as problems`;
  if (!there!.problems) return [];
  const rows = await sql`
    select s.severity, count(p.*)::float8 as value
    from unnest(${SEVERITIES}::text[]) as s(severity)
    left join backup.problem p on p.severity = s.severity and p.state = 'open'
    group by 1 order by 1`;
  const samples = rows.map(({ severity, value }) => ({ labels: { severity: severity as string }, value }));
  return [gauge('holdfast_open_problems', 'Problems that are open, by severity.', samples)];
}
