import { HoldfastError } from '../../errors.ts';
import type { DrillSlice } from './drill-means.ts';
import { COST } from './slice-budget.ts';

/** A store that lost its prefix would otherwise fill the job's row with names. */
const SHOWN_OBJECTS = 100;

/**
 * Reads and hashes objects until the budget is spent; true when all of them were. Damage is noted and the rest is read
 * too, so that the report names all of it. Throws STORE_*: a store that does not answer proves nothing.
 */
export async function verifySlice({ archive, state, budget }: DrillSlice): Promise<boolean> {
  const { objects } = archive.manifest;
  while (state.verifiedObjects < objects.length) {
    if (budget.isSpent()) return false;
    const { path } = objects[state.verifiedObjects]!;
    let read = 0;
    budget.spend(COST.readObject);
    try {
      for await (const bytes of archive.readStored(path)) {
        read += bytes.length;
        budget.spend(bytes.length * COST.hashedByte);
      }
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'ARCHIVE_DAMAGED') throw error;
      if (state.damaged.length < SHOWN_OBJECTS) state.damaged.push({ object: path, problem: error.message });
    }
    state.verifiedBytes += read;
    state.verifiedObjects += 1;
  }
  return true;
}
