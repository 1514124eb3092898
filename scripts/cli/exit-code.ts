import { ERRORS, HoldfastError } from '../../supabase/functions/_shared/errors.ts';

/** What every script of ours ends with; a bug of ours ends with 70, as the catalogue says. */
export const EXIT = {
  ok: 0,
  failed: 1,
  badInput: 2,
  completedWithLimits: 3,
  notReachable: 4,
  integrity: 5,
  bug: 70,
  interrupted: 130,
} as const;

/** The one place where an error becomes an exit code. */
export function exitCodeOf(error: unknown): number {
  return error instanceof HoldfastError ? error.exit : EXIT.bug;
}

/** The exit code of an error that is known by its code alone, as a report has it. */
export function exitCodeOfName(code: string): number {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as keyof typeof ERRORS]('').exit : EXIT.bug;
}
