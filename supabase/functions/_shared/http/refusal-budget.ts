/**
 * Strangers must not be able to fill the database: of refusals without a known user only so many a minute are recorded
 * by one isolate, and the next record says how many were left out.
 */
export interface RefusalBudget {
  /** Null: do not record this one. Otherwise how many went unrecorded since the last record. */
  take(nowMs: number): { unrecorded: number } | null;
}

export function createRefusalBudget(perMinute: number): RefusalBudget {
  let minute = -1;
  let taken = 0;
  let unrecorded = 0;
  return {
    take(nowMs) {
      const now = Math.floor(nowMs / 60_000);
      if (now !== minute) [minute, taken] = [now, 0];
      if (taken >= perMinute) {
        unrecorded += 1;
        return null;
      }
      taken += 1;
      const since = unrecorded;
      unrecorded = 0;
      return { unrecorded: since };
    },
  };
}
