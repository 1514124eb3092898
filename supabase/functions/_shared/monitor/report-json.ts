import type { HealthReport } from './contracts.ts';

/** The report as scripts and HTTP callers get it: snake case, no undefined. */
export function healthReportJson({ state, severity, checkedAt, checks }: HealthReport) {
  return {
    state,
    severity,
    checked_at: checkedAt,
    checks: checks.map(({ problemSince, checkedAt: at, ...line }) => ({
      ...line,
      problem_since: problemSince,
      checked_at: at,
    })),
  };
}
