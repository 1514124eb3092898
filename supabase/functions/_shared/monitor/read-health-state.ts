import type { Sql } from 'postgres';
import type { HealthLine } from './contracts.ts';
import { lineOfRow } from './line-of-row.ts';

/** What every check said last, without running any: for metrics and alerts. Empty before the first evaluation. */
export async function readHealthState(sql: Sql): Promise<HealthLine[]> {
  const rows = await sql`select * from backup.health_state order by check_name`;
  return rows.map(lineOfRow);
}
