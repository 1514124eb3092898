/** What a restore is given: where it works, and what it is to do. */
import type { Platform } from '../platform.ts';
import type { Archive, RestoreEvent, RestoreOptions } from './contracts.ts';
import type { ErasureSource } from './erasure-source.ts';

export interface RestoreMeans {
  readonly platform: Platform;
  /** Connection URL of the database that is restored into. */
  readonly targetUrl: string;
  readonly archive: Archive;
  /** Extensions that the target's server does not have and the restore goes without, as drills do; any other is refused. */
  readonly withoutExtensions?: readonly string[];
  /** Who must stay erased; absent: the report says that nobody knows. `later`: the caller applies the ledger itself. */
  readonly erasures?: ErasureSource | 'later';
}

export interface RestoreJob {
  readonly options: RestoreOptions;
  /** For progress; must not throw. */
  readonly onEvent?: (event: RestoreEvent) => void;
  /** Stops between statements and blocks; what is whole stays, and the same restore goes on after it. */
  readonly signal?: AbortSignal;
}
