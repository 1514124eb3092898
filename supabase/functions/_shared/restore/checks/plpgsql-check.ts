/** PL/pgSQL functions through the extension plpgsql_check, which looks up every name in their queries. */
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session.ts';
import type { CheckContext } from '../contracts.ts';
import type { Findings } from './conclude.ts';
import type { Routine } from './functions.ts';
import { inRollback, inSavepoint } from './in-rollback.ts';
import { queryReason } from './query-reason.ts';

/** The schema of its function, or null. */
export async function findPlpgsqlCheck(session: PgSession): Promise<string | null> {
  const [row] = await session.query(`
    select n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.proname = 'plpgsql_check_function_tb' limit 1`);
  return row?.[0] ?? null;
}

/** A trigger function is checked once for every table that it serves; one that serves none is not checked. */
export async function checkPlpgsql(
  { session }: CheckContext,
  { schema, routines, findings }: { schema: string; routines: readonly Routine[]; findings: Findings },
): Promise<void> {
  await inRollback(session, async () => {
    await session.query('set local search_path to default');
    for (const routine of routines) {
      try {
        const rows = await inSavepoint(session, () => session.query(problemsSql(schema, routine)));
        for (const [line, state] of rows) {
          findings.failed.push(`${routine.label} has an error in line ${line ?? '?'} (SQLSTATE ${state})`);
        }
      } catch (error) {
        findings.unclear.push(`${routine.label} could not be checked by plpgsql_check: ${queryReason(error)}`);
      }
    }
  });
}

function problemsSql(schema: string, { oid }: Routine): string {
  const check = `${quoteIdentifier(schema)}.plpgsql_check_function_tb`;
  return `
    select distinct k.lineno, k.sqlstate
    from pg_catalog.pg_proc p
    left join pg_catalog.pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
    cross join lateral ${check}(p.oid::regprocedure, coalesce(t.tgrelid, 0)::regclass, false) k
    where p.oid = ${oid} and k.level = 'error'
      and (p.prorettype <> 'pg_catalog.trigger'::regtype or t.oid is not null)
    order by 1`;
}
