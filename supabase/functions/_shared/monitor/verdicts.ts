import type { CheckItem, CheckResult, CheckSeverity, CheckState } from './contracts.ts';

interface Facts {
  readonly detail: string;
  readonly value?: number | null;
  readonly threshold?: number | null;
  readonly items?: readonly CheckItem[];
}

export function healthy(facts: Facts): CheckResult {
  return result('healthy', 'info', facts, '');
}

export function unhealthy(severity: CheckSeverity, facts: Facts & { readonly todo: string }): CheckResult {
  return result('unhealthy', severity, facts, facts.todo);
}

/** `detail` says why nothing can be said. */
export function inconclusive(facts: Facts & { readonly todo?: string }): CheckResult {
  return result('inconclusive', 'warning', facts, facts.todo ?? '');
}

function result(state: CheckState, severity: CheckSeverity, facts: Facts, todo: string): CheckResult {
  const { detail, value = null, threshold = null, items = [] } = facts;
  return { state, severity, value, threshold, detail, todo, items };
}

/** One decimal is all that a person reads and all that a threshold needs. */
export function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
