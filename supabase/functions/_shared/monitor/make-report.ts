import { ERRORS } from '../errors.ts';
import { CHECKS } from './check-registry.ts';
import type { CheckedLine, CheckSeverity, HealthCheck, HealthLine, HealthReport } from './contracts.ts';
import { recordLines } from './record-lines.ts';
import { type CheckRun, runChecks } from './run-checks.ts';

const SEVERITIES: readonly CheckSeverity[] = ['info', 'warning', 'critical'];

export type ReportOptions = Omit<CheckRun, 'checks'> & {
  /** Names of checks; without them all are run. */
  readonly only?: readonly string[];
  /**
   * Asked from outside of the functions. The configuration at hand is then not theirs: what is said of it is reported and
   * not recorded. And it is no sign that the functions still evaluate.
   */
  readonly outside?: boolean;
};

/** Runs the checks, keeps what they say, and sums it up. Throws HEALTH_CHECK_UNKNOWN, and what runChecks() throws. */
export async function makeReport({ only, outside = false, ...run }: ReportOptions): Promise<HealthReport> {
  const chosen = chooseChecks(only);
  const lines = await runChecks({ ...run, checks: chosen });
  const kept = lines.filter((_, at) => !(outside && chosen[at]!.ofConfiguration));
  const recorded = new Map((await recordLines(run.sql, kept)).map((line) => [line.name, line]));
  if (only === undefined && !outside) await run.sql`select backup.beat('evaluation')`;
  const now = new Date();
  const checks = lines.map((line) => recorded.get(line.name) ?? unrecorded(line, now.toISOString()));
  return summarise(checks, now);
}

function unrecorded(line: CheckedLine, at: string): HealthLine {
  return { ...line, since: at, problemSince: line.state === 'unhealthy' ? at : null, checkedAt: at };
}

/** Throws HEALTH_CHECK_UNKNOWN. */
export function chooseChecks(only: readonly string[] | undefined): readonly HealthCheck[] {
  if (only === undefined) return CHECKS;
  const unknown = only.filter((name) => !CHECKS.some((check) => check.name === name));
  if (unknown.length > 0) {
    const known = CHECKS.map(({ name }) => name).join(', ');
    throw ERRORS.HEALTH_CHECK_UNKNOWN(`there is no check '${unknown.join("', '")}', only ${known}`);
  }
  return CHECKS.filter(({ name }) => only.includes(name));
}

/** The whole is as bad as its worst part. Pure. */
export function summarise(checks: readonly HealthLine[], at: Date): HealthReport {
  const bad = checks.filter(({ state }) => state === 'unhealthy');
  const open = checks.some(({ state }) => state === 'inconclusive');
  const worst = Math.max(-1, ...bad.map(({ severity }) => SEVERITIES.indexOf(severity)));
  return {
    state: bad.length > 0 ? 'unhealthy' : open ? 'inconclusive' : 'healthy',
    severity: SEVERITIES[worst] ?? null,
    checkedAt: at.toISOString(),
    checks,
  };
}
