/** What a restore is given: where it works, and what it is to do. */
import type { Platform } from '../platform.ts';
import type { Archive, RestoreEvent, RestoreOptions } from './contracts.ts';

export interface RestoreMeans {
  readonly platform: Platform;
  /** Connection URL of the database that is restored into. */
  readonly targetUrl: string;
  readonly archive: Archive;
}

export interface RestoreJob {
  readonly options: RestoreOptions;
  /** For progress; must not throw. */
  readonly onEvent?: (event: RestoreEvent) => void;
  /** Stops between statements and blocks; what is whole stays, and the same restore goes on after it. */
  readonly signal?: AbortSignal;
}
