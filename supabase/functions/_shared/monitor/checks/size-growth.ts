import { median, medianSlope } from '../../domain/robust-statistics.ts';
import type { CheckItem, CheckMeans, HealthCheck } from '../contracts.ts';
import { growingTables } from '../growing-tables.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
const LOOK_BACK_DAYS = 45;
const LEAST_DAYS = 7;
const TODO =
  'See which tables grow (the parts of this check in --json, or GET /backup-trigger/backups/<id>), and whether the plan and the store are large enough.';

interface Point {
  /** In days. */
  readonly x: number;
  /** In bytes. */
  readonly y: number;
}

/**
 * The trend of two things, month over month: what full backups hold, and the database as it is measured each day, which
 * needs no backup. The median of all slopes, so that one odd day does not count.
 */
export const sizeGrowth: HealthCheck = {
  name: 'size_growth',
  title: 'Growth in a month',
  category: 'capacity',
  unit: 'percent',
  async run(means) {
    const [limit, least] = [means.threshold('growth_percent_per_month'), means.threshold('anomaly_least_backups')];
    const [backups, database] = [await readBackups(means), await readDatabase(means)];
    const items = [
      trend('backups', backups, { limit, least, what: 'full backups' }),
      trend('database', database, { limit, least, what: 'measured days' }),
    ];
    const known = items.filter((item) => item.value !== null).sort((a, b) => b.value! - a.value!);
    const [worst] = known;
    const detail = known.length > 0 ? words(known) : items.map((item) => item.detail).join('; ');
    const facts = { detail, value: worst?.value ?? null, threshold: limit };
    if (worst === undefined) return inconclusive({ ...facts, items });
    if (worst.state === 'healthy') return healthy({ ...facts, items });
    const tables = await growingTables(means.sql, { from: since(means.now), until: means.now });
    return unhealthy('warning', { ...facts, items: [...items, ...tables], todo: TODO });
  },
};

interface Trend {
  /** In percent of the median size, in a month. */
  readonly limit: number;
  readonly least: number;
  readonly what: string;
}

function trend(name: string, points: readonly Point[], { limit, least, what }: Trend): CheckItem {
  const days = points.length === 0 ? 0 : points.at(-1)!.x - points[0]!.x;
  if (points.length < least || days < LEAST_DAYS) {
    const detail = `${points.length} ${what} of ${Math.floor(days)} days; ${least} of ${LEAST_DAYS} days are needed`;
    return { name, state: 'inconclusive', value: null, threshold: limit, detail };
  }
  const percent = (100 * MONTH_DAYS * (medianSlope(points) ?? 0)) / median(points.map(({ y }) => y));
  const value = rounded(percent);
  const state = percent < limit ? 'healthy' : 'unhealthy';
  return { name, state, value, threshold: limit, detail: `changes by ${value} % in ${MONTH_DAYS} days` };
}

function words(known: readonly CheckItem[]): string {
  const parts = known.map(({ name, value }) => `${name === 'backups' ? 'backups' : 'the database'} by ${value} %`);
  return `in ${MONTH_DAYS} days, ${parts.join(' and ')}`;
}

const since = (now: Date) => new Date(now.getTime() - LOOK_BACK_DAYS * DAY_MS);

async function readBackups({ sql, now }: CheckMeans): Promise<Point[]> {
  const rows = await sql`
    select started_at as at, raw_bytes::float8 as bytes from public.backup_log
    where status in ('completed', 'completed_with_limits') and folder is not null
      and coalesce(request ->> 'scope', 'full') = 'full' and not request ? 'where'
      and raw_bytes > 0 and started_at > ${since(now)} and started_at <= ${now}
    order by started_at`;
  return rows.map((row) => ({ x: row.at.getTime() / DAY_MS, y: row.bytes }));
}

/** With the size of this moment as the last point: what grew since the sample of today counts too. */
async function readDatabase({ sql, now }: CheckMeans): Promise<Point[]> {
  const rows = await sql`
    select taken_at as at, database_bytes::float8 as bytes from backup.size_sample
    where taken_at > ${since(now)} and taken_at <= ${now} and day < (${now}::timestamptz at time zone 'UTC')::date
    union all select ${now}::timestamptz, pg_catalog.pg_database_size(current_database())::float8
    order by 1`;
  return rows.map((row) => ({ x: row.at.getTime() / DAY_MS, y: row.bytes }));
}
