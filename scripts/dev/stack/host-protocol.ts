/** What function-process.ts (Node) and function-host.ts (Deno) say to each other, one JSON value a line. */

export type HostReport =
  | { readonly type: 'ready'; readonly port: number }
  /** All since boot, sent after every change. */
  | ({ readonly type: 'counts' } & HostCounts);

export interface HostCounts {
  /** Requests whose handler has been called, and has returned its response. */
  readonly received: number;
  readonly answered: number;
  /** Promises given to waitUntil, and those of them that have settled. */
  readonly begun: number;
  readonly settled: number;
}

/** The platform's reasons for ending an isolate. */
export interface HostCommand {
  readonly type: 'beforeunload';
  readonly reason: 'wall_clock' | 'cpu' | 'termination';
}
