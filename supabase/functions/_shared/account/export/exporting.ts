import type { ExportMeans } from './export-means.ts';
import type { ExportPlan } from './export-plan.ts';
import type { ExportState } from './export-state.ts';
import type { PackageWriter } from './package-writer.ts';
import type { SliceBudget } from './slice-budget.ts';

export interface ExportLimits {
  /** Of rows and files, before compression. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Of one row: it is in memory as a whole. */
  readonly maxRowBytes: number;
}

/** One call's work on an export. */
export interface Exporting extends ExportMeans {
  readonly plan: ExportPlan;
  readonly state: ExportState;
  readonly writer: PackageWriter;
  readonly budget: SliceBudget;
  readonly limits: ExportLimits;
  readonly lang: string;
  /** The tables are read in one transaction: they are of one moment. */
  readonly oneSnapshot: boolean;
  readonly onProgress?: (state: ExportState) => void;
}
