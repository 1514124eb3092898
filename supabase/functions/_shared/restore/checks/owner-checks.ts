import type { PgSession } from '../../postgres/session.ts';
import type { Check } from '../contracts.ts';
import { conclude, Findings } from './conclude.ts';
import { inRollback } from './in-rollback.ts';
import { queryReason, sqlStateOf } from './query-reason.ts';

const TIMEOUT_SECONDS = 60;
const MAX_DETAIL_LENGTH = 200;
/** query_canceled, which is how statement_timeout ends a query. */
const CANCELED = '57014';

export const ownerChecksCheck: Check = {
  name: 'owner-checks',
  proves: "The owner's own checks, rows of backup.drill_check, find what they expect.",
  async run(context) {
    const findings = new Findings();
    const checks = await readOwnerChecks(context.session);
    if (checks.length === 0) return conclude(findings, 'none defined: backup.drill_check has no rows');
    const session = await context.openSession();
    try {
      for (const check of checks) await runOwnerCheck(session, check, findings);
    } finally {
      await session.close();
    }
    return conclude(findings, `${checks.length} checks of the owner found what they expect`);
  },
};

interface OwnerCheck {
  readonly name: string;
  readonly sql: string;
  /** Text of the first column; null: true. */
  readonly expect: string | null;
}

async function readOwnerChecks(session: PgSession): Promise<OwnerCheck[]> {
  const [there] = await session.query(`select to_regclass('backup.drill_check') is not null`);
  if (there![0] !== 't') return [];
  const rows = await session.query('select name, sql, expect from backup.drill_check order by name');
  return rows.map(([name, sql, expect]) => ({ name: name!, sql: sql!, expect: expect ?? null }));
}

/** In a transaction that cannot write. The search_path is the database's, as where the owner tried the query. */
async function runOwnerCheck(session: PgSession, check: OwnerCheck, findings: Findings): Promise<void> {
  try {
    const rows = await inRollback(
      session,
      async () => {
        await session.query(`set local statement_timeout = '${TIMEOUT_SECONDS}s'; set local search_path to default`);
        return await session.query(oneQuery(check.sql));
      },
      'isolation level repeatable read, read only',
    );
    judge(check, rows, findings);
  } catch (error) {
    const reason = queryReason(error);
    if (sqlStateOf(error) === CANCELED) {
      findings.unclear.push(`${check.name} was stopped after ${TIMEOUT_SECONDS} seconds`);
    } else {
      findings.failed.push(`${check.name} could not be run: ${reason}`);
    }
  }
}

/** Inside parentheses a second statement, such as a commit, is a syntax error. Two rows are enough to see too many. */
function oneQuery(sql: string): string {
  return `select * from (\n${sql.trim().replace(/;$/, '')}\n) as owner_check limit 2`;
}

function judge({ name, expect }: OwnerCheck, rows: (string | null)[][], findings: Findings): void {
  const [row] = rows;
  if (row === undefined || rows.length > 1 || row.length === 0) {
    findings.failed.push(`${name} must give one row, it gave ${rows.length > 1 ? 'several' : 'none'}`);
    return;
  }
  const [found, detail] = row;
  const right = expect === null ? found === 't' || found === 'true' : found === expect;
  if (right) return;
  const why = detail ? `: ${detail.slice(0, MAX_DETAIL_LENGTH)}` : '';
  findings.failed.push(`${name} does not find what it expects${why}`);
}
