import { runPreData } from '../run-pre-data.ts';
import { readDrillDdl } from './drill-ddl.ts';
import type { DrillSlice } from './drill-means.ts';
import { inScratch } from './restore-context.ts';
import { COST } from './slice-budget.ts';

/** Tables, types and functions, in one transaction. Throws RESTORE_FAILED naming the entry. */
export async function schemaSlice(slice: DrillSlice): Promise<boolean> {
  const { state } = slice;
  await inScratch(slice, async (context) => {
    const ddl = await readDrillDdl(context, 'pre-data');
    await runPreData(context.session, ddl.preData, { marks: context.marks, step: 'pre-data', tolerant: false });
    slice.budget.spend(COST.ddl);
    state.entries[state.stage] = ddl.preData.length;
    state.missingRoles = [...ddl.missingRoles];
    state.heldBack.push(...ddl.heldBack);
    state.notes.push(...context.plan.notes, ...ddl.notes);
  });
  return true;
}
