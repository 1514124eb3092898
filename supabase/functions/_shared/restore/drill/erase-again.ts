import { HoldfastError } from '../../errors.ts';
import type { CheckResult } from '../contracts.ts';
import { openErasureSource, refuseDamaged } from '../erasure-source.ts';
import { replayErasures } from '../replay-erasures.ts';
import { DRILL_OPTIONS, type RestoreContext } from './restore-context.ts';

/** The last check, because it changes what the others compare with the backup: does the erasure ledger apply to it? */
export async function eraseAgain({ slice, session, plan }: RestoreContext): Promise<CheckResult> {
  const { store, verificationKeys } = slice.means;
  const takenAt = slice.archive.manifest.consistency.taken_at;
  const source = await openErasureSource(store, { verificationKeys, allowDamaged: false, complete: true });
  try {
    refuseDamaged(source);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const findings = source.kind === 'ledger' ? source.ledger.problems : [];
    return { name: 'erasures', verdict: 'failed', detail: error.message, findings, seconds: 0 };
  }
  return (await replayErasures(session, source, { plan, options: DRILL_OPTIONS, takenAt })).check;
}
