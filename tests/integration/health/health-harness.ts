/** What the tests of health share: a report of some checks, and waiting for what others do. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import type { HealthLine } from '../../../supabase/functions/_shared/monitor/contracts.ts';
import { makeReport } from '../../../supabase/functions/_shared/monitor/make-report.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';

export interface Asked {
  readonly now?: Date;
  readonly publicKeys?: string | null;
}

/** One check, evaluated now (or at another moment) and recorded. */
export async function ask(sql: Sql, name: string, { now, publicKeys = null }: Asked = {}): Promise<HealthLine> {
  const { checks } = await makeReport({ sql, publicKeys, only: [name], ...(now ? { now } : {}) });
  return checks[0]!;
}

export function openAs(url: string, max = 1): Sql {
  return openDriver(url, { max, applicationName: 'health tests', platform: nodePlatform }) as unknown as Sql;
}

export async function eventually<T>(look: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `nothing came in ${timeoutMs} ms`);
    await sleep(100);
  }
}

export function later(hours: number): Date {
  return new Date(Date.now() + hours * 3_600_000);
}

export async function setThreshold(sql: Sql, name: string, value: number): Promise<void> {
  const { count } = await sql`update backup.health_threshold set value = ${value} where name = ${name}`;
  assert.equal(count, 1, name);
}

export async function setSetting(sql: Sql, name: string, value: number): Promise<void> {
  await sql`
    insert into backup.setting (name, value) values (${name}, ${value}::text::jsonb)
    on conflict (name) do update set value = excluded.value`;
}

/** Sections 4 and 8 of the BookingsAssistant plan, to the letter. */
export const PLAN_SQL = {
  verification: `-- Query to verify latest backup metadata
SELECT 
  NOW() - MAX(created_at) AS time_since_last_backup,
  COUNT(*) AS backup_count_30_days
FROM system_health_alerts
WHERE alert_type = 'backup_completed'
  AND created_at > NOW() - INTERVAL '30 days';

-- Expected: time_since_last_backup < 25 hours
`,
  dashboard: `-- Dashboard query for backup health
SELECT 
  DATE_TRUNC('day', created_at) AS backup_date,
  COUNT(*) FILTER (WHERE alert_type = 'backup_completed') AS successful_backups,
  COUNT(*) FILTER (WHERE alert_type = 'backup_failed') AS failed_backups,
  AVG(CAST(event_data->>'duration_seconds' AS INTEGER)) AS avg_duration_seconds
FROM system_health_alerts
WHERE alert_type LIKE 'backup_%'
  AND created_at > NOW() - INTERVAL '30 days'
GROUP BY backup_date
ORDER BY backup_date DESC;
`,
};
