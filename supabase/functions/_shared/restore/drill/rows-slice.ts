import type { ManifestObject } from '../../domain/manifest-types.ts';
import type { PlannedPhase, PlannedTable } from '../contracts.ts';
import { restoreRows } from '../restore-rows.ts';
import { stepOf } from '../steps-of.ts';
import type { DrillSlice } from './drill-means.ts';
import { inScratch, type RestoreContext } from './restore-context.ts';
import { COST } from './slice-budget.ts';

/** Between two looks at the clock. */
const BATCH_COST = 8 * 1024 * 1024;

interface Batch {
  readonly tables: readonly PlannedTable[];
  readonly rawBytes: number;
  readonly objects: number;
}

/** Brings rows in, phase by phase, until the budget is spent; true when all are in. Throws what restoreRows() throws. */
export async function rowsSlice(slice: DrillSlice): Promise<boolean> {
  return await inScratch(slice, async (context) => {
    const sizes = new Map(slice.archive.manifest.objects.map((object) => [object.path, object]));
    for (const phase of context.plan.phases) {
      for (;;) {
        const batch = nextBatch(context, phase, sizes);
        if (batch === null) break;
        if (slice.budget.isSpent() || !slice.budget.affords(costOf(batch))) return false;
        await loadBatch(context, phase, batch);
      }
    }
    return true;
  });
}

async function loadBatch(context: RestoreContext, phase: PlannedPhase, batch: Batch): Promise<void> {
  const { slice, plan, marks, session } = context;
  const { state, budget, hold } = slice;
  const begun = performance.now();
  // The phase is counted when all of it is in: a batch is always short of the manifest's rows.
  await restoreRows(
    {
      archive: slice.archive,
      plan: { ...plan, phases: [phase], tables: batch.tables },
      marks,
      sessions: [session],
      startedAt: begun,
      signal: new AbortController().signal,
    },
    [],
  );
  const key = `rows ${phase.phase}`;
  state.seconds[key] = (state.seconds[key] ?? 0) + (performance.now() - begun) / 1000;
  state.doneAfter[key] = (Date.now() - Date.parse(state.startedAt)) / 1000;
  state.restoredBytes += batch.rawBytes;
  budget.spend(costOf(batch));
  await hold.save(state);
}

function costOf({ rawBytes, objects }: Pick<Batch, 'rawBytes' | 'objects'>): number {
  return rawBytes * COST.restoredByte + objects * COST.openedObject;
}

/** What is not in yet, as far as the budget reaches; at least one object. Null when the phase has all of its rows. */
function nextBatch(
  { plan, marks, slice }: RestoreContext,
  { phase }: PlannedPhase,
  sizes: ReadonlyMap<string, ManifestObject>,
): Batch | null {
  const most = Math.min(BATCH_COST, slice.budget.left());
  const tables: PlannedTable[] = [];
  let [rawBytes, objects] = [0, 0];
  const isFull = () => objects > 0 && costOf({ rawBytes, objects }) >= most;
  const bytesOf = (paths: readonly string[]) => paths.reduce((sum, path) => sum + (sizes.get(path)?.raw_bytes ?? 0), 0);
  for (const planned of plan.tables) {
    if (planned.phase !== phase || planned.action === 'skip') continue;
    const { segments } = planned.table;
    const units = planned.action === 'load' ? segments.map((path) => [path]) : [segments];
    const taken: string[] = [];
    for (const paths of units) {
      if (marks.done(stepOf({ table: planned, paths }))) continue;
      if (isFull()) break;
      taken.push(...paths);
      rawBytes += bytesOf(paths);
      objects += paths.length;
    }
    if (taken.length > 0) tables.push({ ...planned, table: { ...planned.table, segments: taken } });
    if (isFull()) break;
  }
  return tables.length === 0 ? null : { tables, rawBytes, objects };
}
