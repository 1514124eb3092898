import type { CheckResult } from './contracts.ts';

/** What backup.health_of_…() found: the rules are in SQL, because the heartbeat must know them without any function. */
export function heartbeatResult(found: unknown): CheckResult {
  const { state, severity, value, threshold, detail, todo } = found as CheckResult;
  return { state, severity, value, threshold, detail, todo };
}
