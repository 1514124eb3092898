/**
 * How much one slice may do. CPU time cannot be read in the edge runtime, so it is bounded by bytes: hashing one stored
 * byte costs 1, and everything else what it takes of CPU time in comparison.
 */
export interface SliceBudget {
  /** Cost that is left; below zero once it is spent. */
  left(): number;
  spend(cost: number): void;
  isSpent(): boolean;
  /** False when work that cannot be cut should wait for the next slice; a slice that has done nothing yet affords all. */
  affords(cost: number): boolean;
}

/**
 * Measured on the edge runtime's Deno, where 100,000 of it are a millisecond. By byte: hashing a stored one; restoring a
 * raw one (decrypting, decompressing, sending). Comparing reads archive and table; what is said of it is of one of the
 * two: by byte and by row, because short rows cost their digest and long ones their bytes.
 */
export const COST = {
  hashedByte: 1,
  restoredByte: 2,
  comparedByte: 1.5,
  comparedRow: 400,
  /** Of an object that is read again from its beginning: decrypting and decompressing what was compared before. */
  skippedByte: 1,
  /** Each, however small: a request to the store, and for those that are opened the private key. */
  readObject: 300_000,
  openedObject: 1_300_000,
  /** Stages that are done in one piece: pg_dump's copy of the platform, and DDL that is read and understood. */
  database: 16_000_000,
  ddl: 15_000_000,
  entry: 50_000,
  check: 1_000_000,
} as const;

export function sliceBudget({ bytes, seconds }: { bytes: number; seconds: number }): SliceBudget {
  const endMs = performance.now() + seconds * 1000;
  let left = bytes;
  return {
    left: () => left,
    spend: (cost) => {
      left -= cost;
    },
    isSpent: () => left <= 0 || performance.now() >= endMs,
    affords: (cost) => left >= Math.min(cost, bytes),
  };
}
