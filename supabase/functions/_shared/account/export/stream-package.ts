/** An export that is sent while it is made: for accounts that are known to be small, and for the command line. */
import type { ExportMeans } from './export-means.ts';
import type { ExportPlan } from './export-plan.ts';
import type { ExportFormat } from './export-record.ts';
import { type ExportState, newExportState } from './export-state.ts';
import type { ExportLimits } from './exporting.ts';
import { StreamSink } from './package-sink.ts';
import { runPackage } from './run-package.ts';
import { NO_BUDGET } from './slice-budget.ts';

export interface StreamedPackage extends ExportMeans {
  readonly plan: ExportPlan;
  readonly format: ExportFormat;
  readonly lang: string;
  readonly exportId: string | null;
  readonly limits: ExportLimits;
  /** Called with the bytes of the file, in their order. */
  readonly emit: (bytes: Uint8Array) => Promise<void>;
  readonly onProgress?: (state: ExportState) => void;
}

/** Returns the state at the end, for its counts. Throws what runPackage() throws, and what `emit` throws. */
export async function streamPackage({ emit, ...means }: StreamedPackage): Promise<ExportState> {
  const state = newExportState(Date.now());
  await runPackage({ ...means, state, budget: NO_BUDGET, oneSnapshot: true, sink: new StreamSink(emit) });
  return state;
}
