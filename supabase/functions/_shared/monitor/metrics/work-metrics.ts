import type { Sql } from 'postgres';
import { gauge, type Metric } from './metric.ts';

/** The queues, the heartbeat, verifications and drills. */
export async function workMetrics(sql: Sql): Promise<Metric[]> {
  const tasks = await sql`
    select kind, state, count(*)::float8 as value from backup.task where state in ('pending', 'claimed') group by 1, 2 order by 1, 2`;
  const jobs = await sql`
    select kind, state, count(*)::float8 as value from backup.job where state in ('pending', 'claimed') group by 1, 2 order by 1, 2`;
  const beats = await sql`select name, extract(epoch from at)::float8 as value from backup.heartbeat order by name`;
  const verifications = await sql`
    select distinct on (success) case when success then 'passed' else 'failed' end as verdict,
      extract(epoch from verification_date)::float8 as value
    from public.backup_verification where success is not null order by success, verification_date desc`;
  const drills = await sql`
    select distinct on (test_type) test_type as kind, case when success then 1 else 0 end as success,
      extract(epoch from completed_at)::float8 as completed, extract(epoch from completed_at - started_at)::float8 as seconds
    from public.backup_tests where success is not null and completed_at is not null
    order by test_type, completed_at desc`;
  const byKind = (rows: typeof tasks) => rows.map(({ kind, state, value }) => ({ labels: { kind, state }, value }));
  const ofDrill = (column: 'success' | 'completed' | 'seconds') =>
    drills.map((row) => ({ labels: { kind: row.kind as string }, value: row[column] as number }));
  return [
    gauge('holdfast_tasks', 'Open tasks of backups, by kind and state.', byKind(tasks)),
    gauge('holdfast_jobs', 'Open jobs, by kind and state.', byKind(jobs)),
    gauge(
      'holdfast_heartbeat_timestamp_seconds',
      'When the tick and the evaluation of health last ran.',
      beats.map(({ name, value }) => ({ labels: { name }, value })),
    ),
    gauge(
      'holdfast_verification_last_timestamp_seconds',
      'When a verification last ended, by verdict.',
      verifications.map(({ verdict, value }) => ({ labels: { verdict }, value })),
    ),
    gauge('holdfast_drill_last_success', 'Whether the newest drill of a kind passed: 1 or 0.', ofDrill('success')),
    gauge('holdfast_drill_last_timestamp_seconds', 'When the newest drill of a kind ended.', ofDrill('completed')),
    gauge('holdfast_drill_last_duration_seconds', 'How long the newest drill of a kind took.', ofDrill('seconds')),
  ];
}
