import { orAbort } from '../../or-abort.ts';
import type { Store } from '../../stores/store.ts';
import type { ExportResult } from './export-job.ts';
import { findUnfinished } from './find-unfinished.ts';

/**
 * Advice beside an export: a store that cannot be listed, or a signal that aborts, makes a warning of it. Never rejects.
 * `apartFrom`: the folder of the export itself.
 */
export async function lookForUnfinished(
  store: Store,
  { apartFrom, signal }: { readonly apartFrom: string; readonly signal?: AbortSignal },
): Promise<Pick<ExportResult, 'unfinished' | 'warnings'>> {
  try {
    const looking = findUnfinished(store, signal);
    // A request that is under way may take long; its answer is of no use any more.
    const found = await (signal ? orAbort(looking, signal) : looking);
    return { unfinished: found.filter(({ folder }) => folder !== apartFrom), warnings: [] };
  } catch (error) {
    const reason = signal?.aborted ? 'interrupted' : error instanceof Error ? error.message : String(error);
    return { unfinished: [], warnings: [`could not look for unfinished exports: ${reason}`] };
  }
}
