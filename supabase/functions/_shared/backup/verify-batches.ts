/** Bounds of one verify call: requests it makes, and bytes it reads and hashes. */
const OBJECTS_PER_CALL = 150;
const BYTES_PER_CALL = 96 * 1024 * 1024;

export type VerifyKind = 'quick' | 'deep';

/** Index ranges [from, to) over a backup's objects, in manifest order, one per worker call. Pure. */
export function verifyBatches(sizes: readonly number[], kind: VerifyKind): { from: number; to: number }[] {
  const batches: { from: number; to: number }[] = [];
  let bytes = 0;
  for (const [index, size] of sizes.entries()) {
    const batch = batches.at(-1);
    const full =
      !batch || batch.to - batch.from >= OBJECTS_PER_CALL || (kind === 'deep' && bytes + size > BYTES_PER_CALL);
    if (full) {
      batches.push({ from: index, to: index + 1 });
      bytes = size;
    } else {
      batch.to = index + 1;
      bytes += size;
    }
  }
  return batches;
}
