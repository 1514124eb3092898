import type { HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import type { Output } from './run-export.ts';
import { warn } from './warnings.ts';

interface Damaged {
  readonly folder: string;
  readonly problem: HoldfastError;
}

/** Folders whose manifest cannot be read, for --json. */
export function damagedJson(damaged: readonly Damaged[]) {
  return damaged.map(({ folder, problem: { code, message, hint } }) => ({ folder, code, message, hint }));
}

/** The same for people, one line each. */
export function warnOfDamaged(damaged: readonly Damaged[], output: Output): void {
  for (const { folder, problem } of damaged) warn(output, `${folder}: ${problem.message} (${problem.code})`);
}
