import { byteWords } from '../../domain/byte-words.ts';
import type { HealthCheck } from '../contracts.ts';
import { healthy, rounded, unhealthy } from '../verdicts.ts';

export const storageCapacity: HealthCheck = {
  name: 'storage_capacity',
  title: 'Bytes in the store',
  category: 'capacity',
  unit: 'percent',
  async run({ sql, threshold, setting }) {
    const [row] = await sql`
      select coalesce(sum(stored_bytes), 0)::float8 as bytes from public.backup_log l
      where status in ('completed', 'completed_with_limits') and folder is not null
        and to_jsonb(l) ->> 'deleted_at' is null`;
    const bytes = row!.bytes as number;
    const limitBytes = setting('storage_limit_bytes');
    if (limitBytes === null || limitBytes <= 0) {
      return healthy({ detail: `${byteWords(bytes)}; no limit is set (backup.setting storage_limit_bytes)` });
    }
    const percent = (100 * bytes) / limitBytes;
    const limit = threshold('storage_percent');
    const facts = {
      detail: `${byteWords(bytes)} of ${byteWords(limitBytes)}`,
      value: rounded(percent),
      threshold: limit,
    };
    if (percent < limit) return healthy(facts);
    const todo =
      "Delete old backups, get more room, or set another limit: update backup.setting set value = '…' where name = 'storage_limit_bytes'.";
    return unhealthy(percent >= 100 ? 'critical' : 'warning', { ...facts, todo });
  },
};
