/** How much a slice may do: CPU time cannot be read on the edge runtime, so the work is bounded by bytes, and by the clock. */
export interface SliceBudget {
  /** Bytes of files that may still be read. */
  readonly left: number;
  readonly over: boolean;
  spendFile(bytes: number): void;
  spendRows(bytes: number): void;
  /** Aborts when the time is up. */
  readonly signal: AbortSignal | undefined;
}

/** A byte of rows becomes JSON, CSV and two compressed streams; measured, it costs as much as five of a file. */
const ROW_WEIGHT = 5;

export function createSliceBudget({ bytes, wallMs }: { bytes: number; wallMs: number }): SliceBudget {
  const until = performance.now() + wallMs;
  const signal = AbortSignal.timeout(wallMs);
  let left = bytes;
  return {
    get left() {
      return Math.max(left, 0);
    },
    get over() {
      return left <= 0 || performance.now() >= until;
    },
    spendFile: (spent) => {
      left -= spent;
    },
    spendRows: (spent) => {
      left -= spent * ROW_WEIGHT;
    },
    signal,
  };
}

/** Where nothing limits a call: the command line, and answers that are known to be small. */
export const NO_BUDGET: SliceBudget = {
  left: Number.POSITIVE_INFINITY,
  over: false,
  spendFile: () => {},
  spendRows: () => {},
  signal: undefined,
};
