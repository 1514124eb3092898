import { median, medianDeviation } from '../../domain/robust-statistics.ts';
import type { CheckItem, CheckMeans, HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const MOST_ITEMS = 20;
const TODO =
  'Look at the table: was this meant? If not, restore it from the backup before: npm run backup:restore -- <backup> --tables <table> --rename-schema public:rescued.';

interface TableHistory {
  readonly table: string;
  /** Of the newest backup; null when the table is not in it any more. */
  readonly rows: number | null;
  readonly bytes: number | null;
  /** Of the backups before it, oldest last. */
  readonly rowsBefore: readonly number[];
  readonly bytesBefore: readonly number[];
}

/** Rows and bytes of every table in the newest full backup, against the ones before. */
export const tableAnomalies: HealthCheck = {
  name: 'table_anomalies',
  title: 'Rows and bytes of each table',
  category: 'backups',
  unit: 'tables',
  async run(means) {
    const histories = await readHistories(means);
    const longest = Math.max(0, ...histories.map(({ rowsBefore }) => rowsBefore.length));
    if (longest === 0) {
      return inconclusive({ detail: 'two full backups are needed to compare', threshold: 0 });
    }
    const items = histories.flatMap((history) => anomaly(history, means) ?? []);
    const facts = { value: items.length, threshold: 0, items: items.slice(0, MOST_ITEMS) };
    if (items.length > 0) {
      const more = items.length > 1 ? `, and ${items.length - 1} more` : '';
      const detail = `${items[0]!.name}: ${items[0]!.detail}${more}`;
      return unhealthy('critical', { ...facts, detail, todo: TODO });
    }
    const least = means.threshold('anomaly_least_backups');
    if (longest < least) {
      return inconclusive({ ...facts, detail: `no table is lost or empty; ${longest} of ${least} earlier backups` });
    }
    return healthy({ ...facts, detail: `${histories.length} tables are as in ${longest} earlier backups` });
  },
};

async function readHistories({ sql, now, threshold }: CheckMeans): Promise<TableHistory[]> {
  const rows = await sql`
    with backup as (
      select backup_id, row_number() over (order by started_at desc) as age
      from public.backup_log l
      where status in ('completed', 'completed_with_limits') and coalesce(request ->> 'scope', 'full') = 'full'
        and not request ? 'where' and to_jsonb(l) ->> 'deleted_at' is null and started_at <= ${now}
      order by started_at desc limit ${1 + threshold('anomaly_backups')}
    ),
    measured as (
      select b.age, t.schema_name || '.' || t.table_name as name,
             coalesce(sum(s.row_count), 0)::float8 as row_count, coalesce(sum(s.raw_bytes), 0)::float8 as bytes
      from backup b
      join backup.run_table t on t.backup_id = b.backup_id
      left join backup.segment s on s.backup_id = b.backup_id and s.kind = 'segment'
        and s.schema_name = t.schema_name and s.table_name = t.table_name
      where t.schema_name <> 'backup' and coalesce(t.facts ->> 'persistence', 'p') <> 'u'
      group by 1, 2
    )
    select name, max(row_count) filter (where age = 1) as rows, max(bytes) filter (where age = 1) as bytes,
           coalesce(array_agg(row_count order by age) filter (where age > 1), '{}') as rows_before,
           coalesce(array_agg(bytes order by age) filter (where age > 1), '{}') as bytes_before,
           coalesce(bool_or(age = 2), false) as in_last
    from measured group by name order by name`;
  // A table that was dropped long ago is not missing: only what the backup before still had is.
  return rows
    .filter((row) => row.rows !== null || row.in_last)
    .map((row) => ({
      table: row.name,
      rows: row.rows,
      bytes: row.bytes,
      rowsBefore: row.rows_before,
      bytesBefore: row.bytes_before,
    }));
}

function anomaly(history: TableHistory, { threshold }: CheckMeans): CheckItem | null {
  const { rows, rowsBefore, bytes, bytesBefore, table } = history;
  if (rowsBefore.length === 0) return null; // a new table
  const usual = median(rowsBefore);
  const item = (detail: string): CheckItem => {
    return { name: table, state: 'unhealthy', value: rows, threshold: rounded(usual), detail };
  };
  if (rows === null) return usual > 0 ? item(`is gone; it had ${usual} rows`) : null;
  const least = Math.min(...rowsBefore);
  if (rows === 0 && least > 0) return item(`is empty; it had ${rounded(usual)} rows`);
  if (rowsBefore.length < threshold('anomaly_least_backups')) return null;
  if (Math.max(rows, usual) < threshold('anomaly_least_rows')) return null;
  if (rows < least && rows < (usual * threshold('shrink_percent')) / 100) {
    return item(`has shrunk to ${rows} rows; it had ${rounded(usual)}`);
  }
  if (deviates(rows, rowsBefore, threshold)) return item(`has ${rows} rows; it had ${rounded(usual)}`);
  if (bytes !== null && deviates(bytes, bytesBefore, threshold)) {
    return item(`has ${bytes} bytes of data; it had ${rounded(median(bytesBefore))}`);
  }
  return null;
}

/**
 * What was there before is never odd: a queue is now full and now empty. Steady growth moves the median and its
 * deviation with it; a table that never changed has a deviation of 0.
 */
function deviates(value: number, before: readonly number[], threshold: CheckMeans['threshold']): boolean {
  if (value >= Math.min(...before) && value <= Math.max(...before)) return false;
  const usual = median(before);
  const distance = Math.abs(value - usual);
  return (
    distance > (usual * threshold('anomaly_least_percent')) / 100 &&
    distance > threshold('anomaly_deviations') * medianDeviation(before)
  );
}
