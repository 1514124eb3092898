import type { JSONValue, Sql } from 'postgres';
import type { CheckedLine, HealthLine } from './contracts.ts';
import { lineOfRow } from './line-of-row.ts';

/** Keeps the results and says since when; a change of state becomes a row of public.system_health_alerts. */
export async function recordLines(sql: Sql, lines: readonly CheckedLine[]): Promise<HealthLine[]> {
  const results = lines.map(({ name, ...line }) => ({ check: name, ...line }));
  const rows = await sql`select * from backup.record_health(${sql.json(results as unknown as JSONValue)})`;
  const recorded = new Map(rows.map((row) => [row.check_name as string, lineOfRow(row)]));
  return lines.map(({ name }) => recorded.get(name)!);
}
