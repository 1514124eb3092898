import type { Platform } from '../../platform.ts';
import type { ConnectionOptions } from '../../postgres/connection-url.ts';
import type { JobStep } from '../../runs/job-row.ts';
import { dropScratch, presentScratches } from './scratch-database.ts';

export interface SweepMeans {
  readonly platform: Platform;
  /** Where scratch databases are made. */
  readonly server: ConnectionOptions;
  /** Names of scratch databases whose drills have ended. */
  ended(): Promise<readonly string[]>;
}

/** The step of jobs of kind `drill_sweep`: drops what drills left that were cancelled, failed or killed. */
export function sweepStep(means: () => SweepMeans): JobStep {
  return async () => {
    const { platform, server, ended } = means();
    const left = await presentScratches({ platform, server }, await ended());
    for (const name of left) await dropScratch({ platform, server }, name);
    return { state: 'done', result: { dropped: left } };
  };
}
