/**
 * Cuts a table into slices of about one size by heap blocks, before anything is read. A slice that proves too large
 * while it streams (its rows' TOAST values are not where the average says) is cut in two by cutSlice().
 */
import type { Slice, SliceRange, Table } from './catalog-types.ts';

/** TOAST is mostly compressed, and COPY text of what it holds is longer: a guess, corrected by cutting. */
const TOAST_EXPANSION = 1.5;
const PART_DIGITS = 4;
const DEFAULT_BLOCK_SIZE = 8192;
const PAGE_HEADER_BYTES = 24;
/** Line pointer plus the smallest tuple header: what bounds the tuples of a page. */
const MIN_TUPLE_BYTES = 28;

export function planSlices(table: Table, options: { blockSize: number; targetBytes: number }): Slice[] {
  const estimatedBytes = Math.round(table.heapBytes + table.toastBytes * TOAST_EXPANSION);
  const wanted = Math.max(1, Math.ceil(estimatedBytes / options.targetBytes));
  const blocksEach = Math.max(1, Math.ceil(table.blocks / wanted));
  const count = Math.max(1, Math.ceil(table.blocks / blocksEach));
  if (count === 1) return [{ part: '', range: { fromBlock: 0, toBlock: null }, estimatedBytes }];
  return Array.from({ length: count }, (_, index) => {
    const fromBlock = index * blocksEach;
    const blocks = Math.min(blocksEach, table.blocks - fromBlock);
    return {
      part: partName(index + 1, String(count).length),
      // The last one is open: blocks may have been added since they were counted.
      range: { fromBlock, toBlock: index === count - 1 ? null : fromBlock + blocks },
      estimatedBytes: Math.round((estimatedBytes * blocks) / table.blocks),
    };
  });
}

/** As many digits in all parts of a table, so that they sort as text. */
function partName(ordinal: number, digits: number): string {
  return String(ordinal).padStart(Math.max(PART_DIGITS, digits), '0');
}

/**
 * Two halves in row order: of the blocks, then of the tuples of one block; null when one row is left.
 * `blocks` is the table's size, needed where the slice's end is open; `blockSize` in bytes, 8192 if not given.
 */
export function cutSlice(slice: Slice, options: { blocks: number; blockSize?: number }): [Slice, Slice] | null {
  const ranges =
    cutBlocks(slice.range, options.blocks) ?? cutTuples(slice.range, options.blockSize ?? DEFAULT_BLOCK_SIZE);
  if (ranges === null) return null;
  const [first, second] = slice.part === '' ? ['0001', '0002'] : [`${slice.part}.1`, `${slice.part}.2`];
  const estimatedBytes = Math.ceil(slice.estimatedBytes / 2);
  return [
    { part: first!, range: ranges[0], estimatedBytes },
    { part: second!, range: ranges[1], estimatedBytes },
  ];
}

function cutBlocks(range: SliceRange, blocks: number): [SliceRange, SliceRange] | null {
  const { fromBlock, toBlock } = range;
  if (range.fromTuple !== undefined || range.toTuple !== undefined) return null;
  const end = toBlock ?? Math.max(blocks, fromBlock + 2);
  if (end - fromBlock < 2) return null;
  const middle = fromBlock + Math.ceil((end - fromBlock) / 2);
  return [
    { fromBlock, toBlock: middle },
    { fromBlock: middle, toBlock },
  ];
}

function cutTuples(range: SliceRange, blockSize: number): [SliceRange, SliceRange] | null {
  const { fromBlock, toBlock } = range;
  const from = range.fromTuple ?? 1;
  const end = range.toTuple ?? Math.floor((blockSize - PAGE_HEADER_BYTES) / MIN_TUPLE_BYTES) + 1;
  if (end - from < 2) return null;
  const middle = from + Math.ceil((end - from) / 2);
  return [
    { fromBlock, toBlock, fromTuple: from, toTuple: middle },
    { fromBlock, toBlock, fromTuple: middle, toTuple: range.toTuple ?? null },
  ];
}
