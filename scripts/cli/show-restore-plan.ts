import { HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import type { RestoreOptions, RestorePlan } from '../../supabase/functions/_shared/restore/contracts.ts';
import type { RestoreMeans } from '../../supabase/functions/_shared/restore/restore-means.ts';
import { EXIT } from './exit-code.ts';
import { restorePlanJson } from './restore-plan-json.ts';
import { restorePlanText } from './restore-plan-text.ts';
import type { Output } from './run-export.ts';
import { targetWords } from './target-words.ts';
import { line } from './terminal.ts';

/** --dry-run: everything is checked and looked up, nothing is written. Returns the exit code; 2 when tables are in the way. */
export async function showRestorePlan(
  { means, options }: { means: RestoreMeans; options: RestoreOptions },
  { terminal, json }: Output,
): Promise<number> {
  const { plan, conflict } = await planWithConflicts(means, options);
  const conflicts = conflict ? tablesOf(conflict) : [];
  if (json) {
    const { code, message, hint } = conflict ?? {};
    const error = conflict ? { error: { code, message, hint } } : {};
    line(terminal.stdout, JSON.stringify({ dry_run: true, ...restorePlanJson(plan), conflicts, ...error }));
  } else {
    const view = { plan, location: means.archive.location, target: targetWords(means.targetUrl), conflicts };
    for (const text of restorePlanText(view)) line(terminal.stdout, text);
  }
  return conflict ? conflict.exit : EXIT.ok;
}

/** A plan that conflicts forbid is still shown, with the conflicts in it. */
async function planWithConflicts(
  means: RestoreMeans,
  options: RestoreOptions,
): Promise<{ plan: RestorePlan; conflict: HoldfastError | null }> {
  const { planOf } = await import('../../supabase/functions/_shared/restore/restore-database.ts');
  try {
    return { plan: await planOf(means, options), conflict: null };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'RESTORE_CONFLICT' || options.only === 'data') throw error;
    // An unfinished restore of something else: there is no plan.
    if (tablesOf(error).length === 0) throw error;
    return { plan: await planOf(means, { ...options, onConflict: 'replace' }), conflict: error };
  }
}

function tablesOf({ details }: HoldfastError): string[] {
  return Array.isArray(details.tables) ? details.tables.map(String) : [];
}
