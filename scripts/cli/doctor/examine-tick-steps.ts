import type { Sql } from 'postgres';
import { quoteIdentifier } from '../../../supabase/functions/_shared/postgres/identifiers.ts';
import { type Finding, ok, problem, skipped } from './finding.ts';

/** The parts of the heartbeat, by what the newest tick saw of each: while one fails, the others go on. */
export async function examineTickSteps(sql: Sql): Promise<Finding[]> {
  // By to_jsonb: where the newest migrations are still to come these columns are not there.
  const steps = await sql`
    select name, to_jsonb(s) ? 'failing_since' as recorded, to_jsonb(s) ->> 'error' as error,
      to_char((to_jsonb(s) ->> 'failing_since')::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as since
    from backup.tick_step s order by position, name`;
  if (steps.some(({ recorded }) => !recorded))
    return [skipped('steps of the heartbeat', 'how they go is not recorded before the newest migrations')];
  const failing = steps.filter(({ since }) => since !== null);
  if (failing.length === 0) return [ok('steps of the heartbeat', `${steps.length}, none fails`)];
  return failing.map(({ name, since, error }) =>
    problem(`step ${name}`, `fails since ${since} UTC: ${error}`, `select backup.${quoteIdentifier(name)}();`),
  );
}
