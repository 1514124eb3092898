import type { Sql } from 'postgres';
import { ERRORS } from '../errors.ts';
import type { CheckMeans } from './contracts.ts';

/** The owner's numbers. Throws what the server answers where the migrations are missing. */
export async function readThresholds(sql: Sql): Promise<Pick<CheckMeans, 'threshold' | 'setting'>> {
  const rows = await sql`select name, value::float8 as value from backup.health_threshold`;
  const settings = await sql`
    select name, (value #>> '{}')::float8 as value from backup.setting
    where value #>> '{}' ~ '^[0-9]+([.][0-9]+)?$'`;
  const thresholds = new Map(rows.map((row) => [row.name as string, row.value as number]));
  const numbers = new Map(settings.map((row) => [row.name as string, row.value as number]));
  return {
    threshold(name) {
      const value = thresholds.get(name);
      if (value === undefined) throw ERRORS.HEALTH_THRESHOLD_MISSING(`backup.health_threshold has no row '${name}'`);
      return value;
    },
    setting: (name) => numbers.get(name) ?? null,
  };
}
