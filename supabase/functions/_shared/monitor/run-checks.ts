/** Runs checks one after the other, each with a time limit: a slow or broken one is inconclusive and stops no other. */
import type { Sql } from 'postgres';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { CheckedLine, CheckMeans, CheckResult, HealthCheck } from './contracts.ts';
import { readThresholds } from './read-thresholds.ts';
import { inconclusive } from './verdicts.ts';

export interface CheckRun {
  readonly sql: Sql;
  readonly checks: readonly HealthCheck[];
  readonly publicKeys: string | null;
  /** The moment that ages are counted to; what began later does not count. Default: the database's now. */
  readonly now?: Date;
  /** Of one check. Default 5 s. */
  readonly limitMs?: number;
  /** Of all: what is left then is not begun. Default 45 s, which fits a call of the free plan. */
  readonly totalMs?: number;
}

const LIMIT_MS = 5_000;
const TOTAL_MS = 45_000;
/** The server cancels the statement; this is for what is not a statement, and for a server that does not answer. */
const SLACK_MS = 500;

/** Throws only what reading the thresholds throws: a database that is away, or without our migrations. */
export async function runChecks(run: CheckRun): Promise<CheckedLine[]> {
  const { totalMs = TOTAL_MS } = run;
  const numbers = await readThresholds(run.sql);
  const now = run.now ?? (await readClock(run.sql));
  const endMs = performance.now() + totalMs;
  const lines: CheckedLine[] = [];
  for (const check of run.checks) {
    const limitMs = Math.min(run.limitMs ?? LIMIT_MS, Math.floor(endMs - performance.now()));
    const result =
      limitMs <= 0
        ? inconclusive({ detail: `the checks before it took all of ${totalMs / 1000} s` })
        : await runOne(check, { sql: run.sql, limitMs, means: { now, publicKeys: run.publicKeys, ...numbers } });
    const { name, title, category, unit } = check;
    lines.push({ name, title, category, unit, ...result, items: result.items ?? [] });
  }
  return lines;
}

/** The database wrote the moments that are compared. A Date has milliseconds: rounded up, it includes what was just written. */
async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql`select clock_timestamp() + interval '1 millisecond' as now`;
  return row!.now as Date;
}

interface OneRun {
  readonly sql: Sql;
  readonly limitMs: number;
  readonly means: Omit<CheckMeans, 'sql'>;
}

async function runOne(check: HealthCheck, { sql, limitMs, means }: OneRun): Promise<CheckResult> {
  try {
    const work = sql.begin('read only', async (transaction) => {
      await transaction`select set_config('statement_timeout', ${String(limitMs)}, true),
                               set_config('search_path', '', true)`;
      return await check.run({ ...means, sql: transaction as unknown as Sql });
    });
    return await within(limitMs + SLACK_MS, work as Promise<CheckResult>);
  } catch (error) {
    return inconclusive({ detail: reasonOf(error, limitMs), todo: error instanceof HoldfastError ? error.hint : '' });
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(ERRORS.HEALTH_CHECK_TIMEOUT(`the check took more than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {}); // what comes after the limit is nobody's any more
  }
}

const CANCELED = '57014';
/** A schema, table, column or function that is not there. */
const MISSING = /^(3F000|42P01|42703|42883)$/;

function reasonOf(error: unknown, limitMs: number): string {
  const { code, message } = error as { code?: unknown; message?: string };
  if (code === CANCELED) return `the check took more than ${limitMs} ms`;
  if (typeof code === 'string' && MISSING.test(code)) return `what it looks at is not installed: ${message}`;
  return `it could not be carried out: ${message ?? String(error)}`;
}
