/** Runs the checks one after the other; each ends with a verdict, whatever happens to it. */
import { ERRORS, type HoldfastError } from '../../errors.ts';
import type { Check, CheckContext, CheckResult } from '../contracts.ts';
import { ALL_CHECKS } from './all-checks.ts';
import { type CheckOutcome, conclude, Findings } from './conclude.ts';
import { isConnectionGone, isStoreSilent, queryReason, sqlStateOf } from './query-reason.ts';

export interface RunChecksOptions {
  /** Names of the checks to run; default all. */
  readonly only?: readonly string[];
  /** Aborted: the check that runs is finished, those after it are inconclusive. */
  readonly signal?: AbortSignal;
  /** Called with every result, in order. */
  readonly onCheck?: (result: CheckResult) => void;
  /** Default ALL_CHECKS. */
  readonly checks?: readonly Check[];
}

/**
 * One result per check, in order. An error inside a check makes that one inconclusive.
 * Throws DATABASE_CONNECTION_LOST and DATABASE_UNREACHABLE, what a store that does not answer throws, and CONFIG_INVALID
 * when `only` names no check.
 */
export async function runChecks(context: CheckContext, options: RunChecksOptions = {}): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of chosen(options.checks ?? ALL_CHECKS, options.only)) {
    const result = options.signal?.aborted ? stopped(check) : await runCheck(check, context);
    results.push(result);
    options.onCheck?.(result);
  }
  return results;
}

function chosen(checks: readonly Check[], only: readonly string[] | undefined): readonly Check[] {
  if (only === undefined) return checks;
  const names = checks.map(({ name }) => name);
  const unknown = only.filter((name) => !names.includes(name));
  if (unknown.length === 0) return checks.filter(({ name }) => only.includes(name));
  throw ERRORS.CONFIG_INVALID(`a check must be one of ${names.join(', ')}; '${unknown.join("', '")}' is none`);
}

const STOPPED = 'the checks were stopped before this one';

function stopped({ name }: Check): CheckResult {
  return { name, verdict: 'inconclusive', detail: STOPPED, findings: [], seconds: 0 };
}

/** The signal came before this check began. */
export function wasStopped({ verdict, detail }: CheckResult): boolean {
  return verdict === 'inconclusive' && detail === STOPPED;
}

async function runCheck(check: Check, context: CheckContext): Promise<CheckResult> {
  const start = performance.now();
  const outcome = await check.run(context).catch((error) => interrupted(error));
  return { name: check.name, ...outcome, seconds: (performance.now() - start) / 1000 };
}

function interrupted(error: unknown): CheckOutcome {
  // Without a connection no check can say anything, and the caller must know.
  if (isConnectionGone(error)) throw lost(error as HoldfastError);
  // Nor can one without the backup: another try may.
  if (isStoreSilent(error)) throw error;
  const findings = new Findings();
  findings.unclear.push(`the check could not be finished: ${reasonOf(error)}`);
  return conclude(findings, '');
}

function lost(error: HoldfastError): HoldfastError {
  if (error.code === 'DATABASE_CONNECTION_LOST' || error.code === 'DATABASE_UNREACHABLE') return error;
  return ERRORS.DATABASE_CONNECTION_LOST(`the server ended the connection: ${error.message}`, { cause: error });
}

function reasonOf(error: unknown): string {
  if (sqlStateOf(error) !== null) return queryReason(error);
  return error instanceof Error ? error.message : String(error);
}
