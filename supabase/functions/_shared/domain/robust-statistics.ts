/** Statistics that a single odd value does not bend. Pure; lists must not be empty. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Scaled so that it estimates the standard deviation of normal values. */
const NORMAL = 1.4826;

/** The median absolute deviation from the median. */
export function medianDeviation(values: readonly number[]): number {
  const centre = median(values);
  return NORMAL * median(values.map((value) => Math.abs(value - centre)));
}

/** The median of the slopes between all pairs (Theil and Sen); null when all points stand at one x. */
export function medianSlope(points: readonly { readonly x: number; readonly y: number }[]): number | null {
  const slopes = points.flatMap((a, index) =>
    points.slice(index + 1).flatMap((b) => (a.x === b.x ? [] : [(b.y - a.y) / (b.x - a.x)])),
  );
  return slopes.length === 0 ? null : median(slopes);
}
