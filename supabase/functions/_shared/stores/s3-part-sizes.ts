const MIB = 1024 * 1024;

/** An object of up to this many bytes is one PUT. Two parts, so that a buffer of this size becomes the first two. */
export const SINGLE_PUT_BYTES = 16 * MIB;
export const FIRST_PART_BYTES = SINGLE_PUT_BYTES / 2;
/** S3's own limit. */
export const MAX_PARTS = 10_000;
const PARTS_PER_SIZE = 1_500;
/** Bounds memory to two of these. */
const MAX_PART_BYTES = 512 * MIB;

/**
 * Bytes of part `partNumber` (from 1): 8 MiB, doubled after every 1,500 parts, so that an object of unknown length may
 * grow to 1.2 TiB within S3's 10,000 parts while objects below 12 GB never need more than two buffers of 8 MiB.
 */
export function partSizeBytes(partNumber: number): number {
  return Math.min(MAX_PART_BYTES, FIRST_PART_BYTES * 2 ** Math.floor((partNumber - 1) / PARTS_PER_SIZE));
}
