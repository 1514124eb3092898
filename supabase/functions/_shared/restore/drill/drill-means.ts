/** What a drill is given by the function that runs it. */
import type { Decipher } from '../../archive/decipher.ts';
import type { Platform } from '../../platform.ts';
import type { ConnectionOptions } from '../../postgres/connection-url.ts';
import type { JobHold } from '../../runs/job-row.ts';
import type { Store } from '../../stores/store.ts';
import type { Archive } from '../contracts.ts';
import type { DrillState } from './drill-state.ts';
import type { SliceBudget } from './slice-budget.ts';

export interface DrillMeans {
  readonly platform: Platform;
  readonly store: Store;
  /** Of the backup's folder in the store; null: look for it by its id. */
  readonly folder: string | null;
  /** null: no private key, so nothing is restored. Unlocking one costs CPU, so it is done when it is needed. */
  readonly decipher: (() => Promise<Decipher>) | null;
  readonly verificationKeys: string | null;
  /** A database on the server where the scratch database is made; only read. */
  readonly server: ConnectionOptions;
  /** For the record: where the scratch database is. */
  readonly environment: string;
  readonly limits: DrillLimits;
}

export interface DrillLimits {
  /** Cost of one slice, see slice-budget.ts. */
  readonly sliceBytes: number;
  readonly sliceSeconds: number;
  /** Raw bytes of rows above which no scratch database is made. */
  readonly maxBytes: number;
}

/** A slice at work. */
export interface DrillSlice {
  readonly means: DrillMeans;
  readonly archive: Archive;
  readonly state: DrillState;
  readonly budget: SliceBudget;
  readonly hold: JobHold;
  /** The scratch database. */
  readonly target: ConnectionOptions;
}
