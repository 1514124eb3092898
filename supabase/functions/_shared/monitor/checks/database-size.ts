import { byteWords } from '../../domain/byte-words.ts';
import type { HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

export const databaseSize: HealthCheck = {
  name: 'database_size',
  title: "Size of the database in the plan's share",
  category: 'capacity',
  unit: 'percent',
  async run({ sql, threshold, setting }) {
    const limit = threshold('database_percent');
    const planBytes = setting('plan_database_bytes');
    const [row] = await sql`select pg_catalog.pg_database_size(current_database())::float8 as bytes`;
    const bytes = row!.bytes as number;
    if (planBytes === null || planBytes <= 0) {
      const detail = `${byteWords(bytes)}; the size of the plan is not set (backup.setting plan_database_bytes)`;
      return inconclusive({ detail, threshold: limit });
    }
    const percent = (100 * bytes) / planBytes;
    const facts = {
      detail: `${byteWords(bytes)} of ${byteWords(planBytes)}`,
      value: rounded(percent),
      threshold: limit,
    };
    if (percent < limit) return healthy(facts);
    const todo =
      "On a paid plan say how large it is: update backup.setting set value = '8000000000' where name = 'plan_database_bytes'. Else archive old rows or upgrade: a full database becomes read-only.";
    return unhealthy(percent >= 95 ? 'critical' : 'warning', { ...facts, todo });
  },
};
