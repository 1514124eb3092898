import type { ComparedFormat } from '../checks/digest-rows.ts';
import { RowDigest } from '../checks/row-digest.ts';

/** Rows of eight bytes take a tenth of a second for as much. */
const PART_BYTES = 128 * 1024;

export interface SomeRows {
  /** Of the rows from `from` to `to`, as RowDigest writes it. */
  readonly digest: string;
  /** Where the next row begins; null: the object has no more. */
  readonly to: number | null;
}

/** What was done since the last time. */
export interface RowsProgress {
  readonly skippedBytes: number;
  readonly bytes: number;
  readonly rows: number;
}

/**
 * Digests rows of one object. `blocks`: its content from the beginning. `from`: a byte of it where a row begins; what is
 * before is passed over. Ends at the end of a row when `onPart` says that it is enough, but not before one row is whole.
 * Throws what reading throws.
 */
export async function digestSomeRows(
  blocks: AsyncIterable<Uint8Array>,
  { format, from, onPart }: { format: ComparedFormat; from: number; onPart(progress: RowsProgress): 'enough' | 'more' },
): Promise<SomeRows> {
  const digest = new RowDigest(format);
  if (format === 'csv' && from === 0) digest.skipRow();
  let at = 0;
  for await (const block of blocks) {
    for (let start = 0; start < block.length; start += PART_BYTES) {
      const part = block.subarray(start, start + PART_BYTES);
      const skippedBytes = Math.max(0, Math.min(part.length, from - at));
      at += part.length;
      const before = digest.rows;
      digest.add(part.subarray(skippedBytes));
      const progress = { skippedBytes, bytes: part.length - skippedBytes, rows: digest.rows - before };
      if (onPart(progress) === 'enough' && digest.wholeBytes > 0)
        return { digest: digest.finishWhole(), to: from + digest.wholeBytes };
    }
  }
  return { digest: digest.finish(), to: null };
}
