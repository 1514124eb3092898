import type { Sql } from 'postgres';
import { gauge, type Metric, type Sample, single } from './metric.ts';

/**
 * The ledger: what there is, how the newest of each cadence went, and what it took. Rows of another system are left out:
 * those without a folder, unless they have an error of ours or a task.
 */
export async function backupMetrics(sql: Sql): Promise<Metric[]> {
  const runs = await sql`
    select backup_type as cadence, status, count(*)::float8 as runs from public.backup_log l
    where folder is not null or error ->> 'code' is not null
      or exists (select from backup.task t where t.backup_id = l.backup_id)
    group by 1, 2 order by 1, 2`;
  const newest = await sql`
    select distinct on (backup_type) backup_type as cadence, extract(epoch from completed_at)::float8 as completed,
      extract(epoch from completed_at - started_at)::float8 as seconds, raw_bytes::float8 as raw, stored_bytes::float8 as stored,
      row_count::float8 as rows, table_count::float8 as tables
    from public.backup_log
    where status in ('completed', 'completed_with_limits') and folder is not null and completed_at is not null
    order by backup_type, completed_at desc`;
  const [sums] = await sql`
    select coalesce(sum(stored_bytes) filter (where status in ('completed', 'completed_with_limits')), 0)::float8 as stored
    from public.backup_log where folder is not null`;
  const [size] = await sql`select pg_catalog.pg_database_size(pg_catalog.current_database())::float8 as bytes`;
  const of = (column: string): Sample[] =>
    newest.flatMap((row) => (row[column] === null ? [] : [{ labels: { cadence: row.cadence }, value: row[column] }]));
  return [
    gauge(
      'holdfast_backup_runs',
      'Backups in the ledger, by cadence and status.',
      runs.map(({ cadence, status, runs: value }) => ({ labels: { cadence, status }, value })),
    ),
    gauge(
      'holdfast_backup_last_success_timestamp_seconds',
      'When the newest good backup of a cadence was complete.',
      of('completed'),
    ),
    gauge('holdfast_backup_last_duration_seconds', 'How long the newest good backup of a cadence took.', of('seconds')),
    gauge('holdfast_backup_last_raw_bytes', 'Bytes of rows in the newest good backup of a cadence.', of('raw')),
    gauge(
      'holdfast_backup_last_stored_bytes',
      'Bytes in the store of the newest good backup of a cadence.',
      of('stored'),
    ),
    gauge('holdfast_backup_last_rows', 'Rows in the newest good backup of a cadence.', of('rows')),
    gauge('holdfast_backup_last_tables', 'Tables in the newest good backup of a cadence.', of('tables')),
    single('holdfast_store_bytes', 'Bytes of all good backups of the ledger.', sums!.stored),
    single('holdfast_database_size_bytes', 'Size of the database.', size!.bytes),
  ];
}
