import type { CheckResult } from '../contracts.ts';

/** What a check returns; run-checks.ts adds its name and how long it took. */
export type CheckOutcome = Omit<CheckResult, 'name' | 'seconds'>;

/** What a check gathers on its way: names and numbers, never row data. */
export class Findings {
  /** What is wrong. */
  readonly failed: string[] = [];
  /** What could not be found out, each with its reason. */
  readonly unclear: string[] = [];
  /** What people should know and what changes no verdict. */
  readonly notes: string[] = [];
}

/** A thousand broken tables need no thousand lines in a report. */
const MAX_FINDINGS = 200;

/** The verdict of what was gathered: one failure fails, else one open question makes it inconclusive. `passed` is the sentence for success. */
export function conclude({ failed, unclear, notes }: Findings, passed: string): CheckOutcome {
  const all = [...failed, ...unclear, ...notes];
  const left = all.length - MAX_FINDINGS;
  const findings = left > 0 ? [...all.slice(0, MAX_FINDINGS), `and ${left} more`] : all;
  if (failed.length > 0) return { verdict: 'failed', detail: summary(failed), findings };
  if (unclear.length > 0) return { verdict: 'inconclusive', detail: summary(unclear), findings };
  return { verdict: 'passed', detail: passed, findings };
}

function summary(texts: readonly string[]): string {
  return texts.length === 1 ? texts[0]! : `${texts[0]}; and ${texts.length - 1} more`;
}
