import { inspect } from 'node:util';
import pc from 'picocolors';
import { ERRORS, HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import { exitCodeOf } from './exit-code.ts';
import { problemsOf } from './problems-of.ts';
import { line, type Terminal } from './terminal.ts';

export interface FailureView {
  readonly json: boolean;
  /** Shows causes and stacks. */
  readonly verbose: boolean;
}

/** Says what went wrong, once, in the form that was asked for, and returns the exit code. */
export function reportFailure(error: unknown, terminal: Terminal, view: FailureView): number {
  const known = error instanceof HoldfastError ? error : unexpected(error);
  if (view.json) line(terminal.stdout, JSON.stringify({ error: jsonOf(known) }));
  else writeFailure(known, terminal);
  if (view.verbose) line(terminal.stderr, inspect(error, { depth: 4 }));
  return exitCodeOf(known);
}

function unexpected(error: unknown): HoldfastError {
  const message = error instanceof Error ? error.message : String(error);
  return ERRORS.INTERNAL(`unexpected: ${message}`, {
    cause: error,
    hint: 'Please report this; --verbose shows where it happened.',
  });
}

function jsonOf({ code, message, hint, details }: HoldfastError) {
  return { code, message, hint, details };
}

function writeFailure(error: HoldfastError, { stderr }: Terminal): void {
  const problems = problemsOf(error);
  if (problems.length > 1) {
    line(stderr, `${pc.red('error:')} ${problems.length} problems`);
    for (const problem of problems) line(stderr, `  - ${problem}`);
  } else {
    line(stderr, `${pc.red('error:')} ${error.message}`);
  }
  line(stderr, `${pc.dim('hint:')} ${error.hint}`);
}

/** An error that a report tells of, as one that was thrown looks. */
export function writeError({ message, hint }: Pick<HoldfastError, 'message' | 'hint'>, { stderr }: Terminal): void {
  line(stderr, `${pc.red('error:')} ${message}`);
  line(stderr, `${pc.dim('hint:')} ${hint}`);
}
