/** Where a slice goes on: from what the last one left, or from the beginning when that no longer fits the plan. */
import { ERRORS } from '../../errors.ts';
import type { Store } from '../../stores/store.ts';
import { type ExportState, newExportState } from './export-state.ts';
import { partKey } from './part-cipher.ts';

const MAX_RESTARTS = 10;
const DELETIONS_PER_SLICE = 200;
const AT_ONCE = 8;

export interface ExportResumption {
  readonly exportId: string;
  /** Of the job; without a phase: nothing was begun. */
  readonly progress: Readonly<Record<string, unknown>>;
  readonly startedMs: number;
  /** Of the plan as it is now. */
  readonly planDigest: string;
}

/**
 * The state is the caller's. What was stored under another plan is deleted by the slices after this one: until this
 * one is saved, the job may still go on with it. Throws EXPORT_PLAN_CHANGED when it would begin again for the eleventh
 * time, and the store's errors.
 */
export async function resumeExport(
  store: Store,
  { exportId, progress, startedMs, planDigest }: ExportResumption,
): Promise<ExportState> {
  const fresh = newExportState(startedMs, planDigest);
  if (!Object.hasOwn(progress, 'phase')) return fresh;
  const begun = structuredClone(progress) as unknown as ExportState;
  // A state of an older version lacks these, and nobody knows which plan it was begun with.
  const { restarts = 0, stale = [] } = begun as Partial<ExportState>;
  if (begun.planDigest === planDigest) {
    await deleteStale(store, { exportId, stale });
    return begun;
  }
  if (restarts >= MAX_RESTARTS) {
    throw ERRORS.EXPORT_PLAN_CHANGED(
      `an export begins again at most ${MAX_RESTARTS} times because mapped tables or their rules changed`,
    );
  }
  return { ...fresh, restarts: restarts + 1, stale: [...stale, ...begun.parts.map(({ name }) => name)] };
}

/** Those that are left when the export ends go with its other parts when it expires. */
async function deleteStale(store: Store, { exportId, stale }: { exportId: string; stale: string[] }): Promise<void> {
  for (let deleted = 0; stale.length > 0 && deleted < DELETIONS_PER_SLICE; deleted += AT_ONCE) {
    const some = stale.slice(0, AT_ONCE);
    await Promise.all(some.map((name) => store.delete(partKey(exportId, name))));
    stale.splice(0, some.length);
  }
}
