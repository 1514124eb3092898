import { qualifiedName } from '../../postgres/identifiers.ts';
import type { DrillSlice } from './drill-means.ts';
import { inScratch } from './restore-context.ts';

/** Without statistics the checks' queries are planned for empty tables. True when every table has them. */
export async function statisticsSlice(slice: DrillSlice): Promise<boolean> {
  const { state, budget } = slice;
  return await inScratch(slice, async ({ session, plan }) => {
    const loaded = plan.tables.filter(({ action }) => action !== 'skip');
    for (; state.analyzed < loaded.length; state.analyzed++) {
      if (budget.isSpent()) return false;
      await session.query(`analyze ${qualifiedName(loaded[state.analyzed]!.target)}`);
    }
    state.entries[state.stage] = loaded.length;
    return true;
  });
}
