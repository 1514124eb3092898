/** Packs slices into tasks so that no worker call does more than its bound. Pure. */

/** An object costs encryption, hashing and a request however small it is: as much as this many bytes of rows. */
export const BYTES_PER_OBJECT = 384 * 1024;

export interface SizedSlice {
  readonly estimatedBytes: number;
}

export function sliceCost(slice: SizedSlice): number {
  return slice.estimatedBytes + BYTES_PER_OBJECT;
}

/** Keeps the order; a slice above the bound gets a group of its own. */
export function groupSlices<T extends SizedSlice>(slices: readonly T[], boundBytes: number): T[][] {
  const groups: T[][] = [];
  let cost = Number.POSITIVE_INFINITY;
  for (const slice of slices) {
    if (cost + sliceCost(slice) > boundBytes) {
      groups.push([]);
      cost = 0;
    }
    groups.at(-1)!.push(slice);
    cost += sliceCost(slice);
  }
  return groups;
}
