import { median, medianDeviation } from '../../domain/robust-statistics.ts';
import type { CheckItem, CheckMeans, CheckSeverity, HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const MOST_ITEMS = 20;
const TODO =
  'Look at the table: was this meant? If not, restore it from the backup before: npm run backup:restore -- <backup> --tables <table> --rename-schema public:rescued.';

interface TableHistory {
  readonly table: string;
  /** Of the newest backup; null when the table is not in it any more. */
  readonly rows: number | null;
  readonly bytes: number | null;
  /** Of the backups before it, oldest last; not of those that did not have the table. */
  readonly rowsBefore: readonly number[];
  readonly bytesBefore: readonly number[];
  /** A partition whose partitioned table has others in the newest backup. */
  readonly hasSiblings: boolean;
}

interface Anomaly {
  readonly severity: CheckSeverity;
  readonly item: CheckItem;
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
    const found = histories.flatMap((history) => anomaly(history, means) ?? []);
    // What is lost comes before what has grown.
    const items = [...found.filter(isCritical), ...found.filter((one) => !isCritical(one))].map(({ item }) => item);
    const facts = { value: items.length, threshold: 0, items: items.slice(0, MOST_ITEMS) };
    if (items.length > 0) {
      const more = items.length > 1 ? `, and ${items.length - 1} more` : '';
      const detail = `${items[0]!.name}: ${items[0]!.detail}${more}`;
      return unhealthy(found.some(isCritical) ? 'critical' : 'warning', { ...facts, detail, todo: TODO });
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
      where status in ('completed', 'completed_with_limits') and folder is not null
        and coalesce(request ->> 'scope', 'full') = 'full' and not request ? 'where'
        and to_jsonb(l) ->> 'deleted_at' is null and started_at <= ${now}
      order by started_at desc limit ${1 + threshold('anomaly_backups')}
    ),
    measured as (
      select b.age, t.schema_name || '.' || t.table_name as name, nullif(t.facts -> 'partitionRoot', 'null') as root,
             coalesce(sum(s.row_count), 0)::float8 as row_count, coalesce(sum(s.raw_bytes), 0)::float8 as bytes
      from backup b
      join backup.run_table t on t.backup_id = b.backup_id
      left join backup.segment s on s.backup_id = b.backup_id and s.kind = 'segment'
        and s.schema_name = t.schema_name and s.table_name = t.table_name
      where t.schema_name <> 'backup' and coalesce(t.facts ->> 'persistence', 'p') <> 'u'
      group by 1, 2, 3
    )
    select name, max(row_count) filter (where age = 1) as rows, max(bytes) filter (where age = 1) as bytes,
           coalesce(array_agg(row_count order by age) filter (where age > 1), '{}') as rows_before,
           coalesce(array_agg(bytes order by age) filter (where age > 1), '{}') as bytes_before,
           coalesce(bool_or(age = 2), false) as in_last,
           coalesce(bool_or(root in (select root from measured where age = 1)), false) as has_siblings
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
      hasSiblings: row.has_siblings,
    }));
}

const isCritical = ({ severity }: Anomaly) => severity === 'critical';

/** What is gone, empty or shrunken may be lost: critical. What has grown is at most odd: a warning. */
function anomaly(history: TableHistory, { threshold }: CheckMeans): Anomaly | null {
  const { rows, rowsBefore, bytes, bytesBefore, table } = history;
  if (rowsBefore.length === 0) return null; // a new table
  const usual = median(rowsBefore);
  const found = (severity: CheckSeverity, detail: string): Anomaly => {
    return { severity, item: { name: table, state: 'unhealthy', value: rows, threshold: rounded(usual), detail } };
  };
  if (rows === null) {
    // Old partitions are dropped, or detached, while the table that they belonged to goes on.
    return usual > 0 && !history.hasSiblings ? found('critical', `is gone; it had ${rounded(usual)} rows`) : null;
  }
  const least = Math.min(...rowsBefore);
  if (rows === 0 && least > 0) return found('critical', `is empty; it had ${rounded(usual)} rows`);
  if (rowsBefore.length < threshold('anomaly_least_backups')) return null;
  if (Math.max(rows, usual) < threshold('anomaly_least_rows')) return null;
  if (rows < least && rows < (usual * threshold('shrink_percent')) / 100) {
    return found('critical', `has shrunk to ${rows} rows; it had ${rounded(usual)}`);
  }
  const ofRows = deviation(rows, rowsBefore, threshold);
  if (ofRows !== null) return found(ofRows, `has ${rows} rows; it had ${rounded(usual)}`);
  const ofBytes = bytes === null ? null : deviation(bytes, bytesBefore, threshold);
  if (ofBytes !== null) return found(ofBytes, `has ${bytes} bytes of data; it had ${rounded(median(bytesBefore))}`);
  return null;
}

/**
 * What was there before is never odd: a queue is now full and now empty. Steady growth moves the median and its
 * deviation with it; a table that never changed has a deviation of 0. One that was empty comes into use, and no median
 * of zeros is a measure of it: growth counts where the table usually has something, and where it comes at once.
 */
function deviation(
  value: number,
  before: readonly number[],
  threshold: CheckMeans['threshold'],
): 'warning' | 'critical' | null {
  if (value >= Math.min(...before) && value <= Math.max(...before)) return null;
  const usual = median(before);
  const distance = Math.abs(value - usual);
  const share = threshold('anomaly_least_percent') / 100;
  if (distance <= usual * share || distance <= threshold('anomaly_deviations') * medianDeviation(before)) return null;
  if (value < usual) return 'critical';
  const [last] = before;
  return usual > 0 && value - last! > last! * share ? 'warning' : null;
}
