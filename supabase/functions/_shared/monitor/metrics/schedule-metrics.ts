import type { Sql } from 'postgres';
import { gauge, type Metric, type Sample } from './metric.ts';

/** What is due by itself; empty where schedules are not installed. */
export async function scheduleMetrics(sql: Sql): Promise<Metric[]> {
  const [there] = await sql`select to_regclass('backup.schedule_run') is not null as schedules`;
  if (!there!.schedules) return [];
  const rows = await sql`
    select s.name, case when s.enabled then 1 else 0 end as enabled,
      (select extract(epoch from max(r.ended_at))::float8 from backup.schedule_run r
        where r.name = s.name and r.state = 'succeeded') as success,
      (select count(*)::float8 from backup.schedule_run r
        where r.name = s.name and r.state = 'failed' and r.ended_at > clock_timestamp() - interval '30 days') as failed
    from backup.schedule s order by s.name`;
  const of = (column: 'enabled' | 'success' | 'failed'): Sample[] =>
    rows.flatMap((row) =>
      row[column] === null ? [] : [{ labels: { schedule: row.name as string }, value: row[column] }],
    );
  return [
    gauge('holdfast_schedule_enabled', 'Whether a schedule is on: 1 or 0.', of('enabled')),
    gauge(
      'holdfast_schedule_last_success_timestamp_seconds',
      'When a run of a schedule last succeeded.',
      of('success'),
    ),
    gauge('holdfast_schedule_failed_runs', 'Runs of a schedule that failed in the last 30 days.', of('failed')),
  ];
}
