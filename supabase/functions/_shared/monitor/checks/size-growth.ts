import { median, medianSlope } from '../../domain/robust-statistics.ts';
import type { HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const DAY_MS = 86_400_000;
const MONTH_DAYS = 30;
const LOOK_BACK_DAYS = 45;
const LEAST_DAYS = 7;

/** The trend of what full backups hold, month over month: the median of all slopes, so that one odd backup does not count. */
export const sizeGrowth: HealthCheck = {
  name: 'size_growth',
  title: 'Growth of backups in a month',
  category: 'capacity',
  unit: 'percent',
  async run({ sql, now, threshold }) {
    const [limit, least] = [threshold('growth_percent_per_month'), threshold('anomaly_least_backups')];
    const rows = await sql`
      select started_at, raw_bytes::float8 as bytes from public.backup_log
      where status in ('completed', 'completed_with_limits') and coalesce(request ->> 'scope', 'full') = 'full'
        and not request ? 'where' and raw_bytes > 0
        and started_at > ${new Date(now.getTime() - LOOK_BACK_DAYS * DAY_MS)} and started_at <= ${now}
      order by started_at`;
    const points = rows.map((row) => ({ x: row.started_at.getTime() / DAY_MS, y: row.bytes as number }));
    const days = points.length === 0 ? 0 : points.at(-1)!.x - points[0]!.x;
    if (points.length < least || days < LEAST_DAYS) {
      const detail = `${points.length} full backups of ${Math.floor(days)} days; ${least} of ${LEAST_DAYS} days are needed`;
      return inconclusive({ detail, threshold: limit });
    }
    const percent = (100 * MONTH_DAYS * (medianSlope(points) ?? 0)) / median(points.map(({ y }) => y));
    const facts = {
      detail: `backups change by ${rounded(percent)} % in ${MONTH_DAYS} days`,
      value: rounded(percent),
      threshold: limit,
    };
    if (percent < limit) return healthy(facts);
    const todo =
      'See which tables grow (GET /backup-trigger/backups/<id>), and whether the plan and the store are large enough.';
    return unhealthy('warning', { ...facts, todo });
  },
};
