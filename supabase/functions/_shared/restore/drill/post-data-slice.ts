import { applyConfig } from '../prepare-config.ts';
import { runEntries } from '../run-entries.ts';
import { runPreData } from '../run-pre-data.ts';
import { scheduleEntries, type Unit } from '../schedule-entries.ts';
import { type DrillDdl, readDrillDdl } from './drill-ddl.ts';
import type { DrillSlice } from './drill-means.ts';
import { inScratch, type RestoreContext } from './restore-context.ts';
import { COST } from './slice-budget.ts';

/** Sequences, indexes, constraints, triggers and policies, until the time is up; true when all are there. Throws RESTORE_FAILED. */
export async function postDataSlice(slice: DrillSlice): Promise<boolean> {
  const { budget } = slice;
  return await inScratch(slice, async (context) => {
    const ddl = await readDrillDdl(context, 'after');
    const { marks, session } = context;
    budget.spend(COST.ddl);
    await runPreData(session, ddl.sequences, { marks, step: 'sequences', tolerant: false });
    let [entries, ran] = [0, 0];
    // One unit at a time, in pg_dump's order; units of one stage may run in any.
    for (const unit of scheduleEntries(ddl.postData).flat()) {
      // A slice that only read the DDL again would bring nothing forward.
      if (ran > 0 && budget.isSpent()) return false;
      const made = await runUnit(unit, context);
      ran += made;
      entries += unit.entries.length;
      budget.spend(made * COST.entry);
    }
    if (!marks.done('settings')) await applyConfig(session, ddl.settings, { marks, step: 'settings' });
    noteOnce(slice, ddl, entries);
    return true;
  });
}

/** How many of its entries were not there yet. */
async function runUnit(unit: Unit, { session, marks }: RestoreContext): Promise<number> {
  let ran = 0;
  await runEntries({
    sessions: [session],
    stages: [[unit]],
    signal: new AbortController().signal,
    tolerant: false,
    isDone: (key) => marks.done(`entry:${key}`),
    markSql: (key) => marks.markSql(`entry:${key}`),
    onDone: (key) => {
      ran += 1;
      marks.noted(`entry:${key}`);
    },
  });
  return ran;
}

/** In the slice that ends the stage: those before it read the same DDL. */
function noteOnce({ state }: DrillSlice, ddl: DrillDdl, entries: number): void {
  state.entries[state.stage] = entries;
  state.heldBack.push(...ddl.heldBack);
  state.notes.push(...ddl.notes);
}
