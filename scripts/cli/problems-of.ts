import { HoldfastError } from '../../supabase/functions/_shared/errors.ts';

/** Errors of configuration and input carry a list: all that is wrong, at once, one line each. Empty for any other. */
export function problemsOf(error: unknown): string[] {
  const problems = error instanceof HoldfastError ? error.details.problems : undefined;
  return Array.isArray(problems) ? problems.map(lineOf) : [];
}

/** Text, or a variable with the rule that its value breaks. */
function lineOf(problem: unknown): string {
  if (typeof problem !== 'object' || problem === null || !('variable' in problem) || !('rule' in problem))
    return String(problem);
  const value = 'value' in problem && problem.value !== null ? `: got ${problem.value}` : '';
  return `${problem.variable} ${problem.rule}${value}`;
}
