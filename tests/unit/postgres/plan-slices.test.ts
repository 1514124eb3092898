import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Slice, SliceRange, Table } from '../../../supabase/functions/_shared/postgres/catalog-types.ts';
import { cutSlice, planSlices } from '../../../supabase/functions/_shared/postgres/plan-slices.ts';

const BLOCK_SIZE = 8192;
const MAX_TUPLES = 291;

function table(blocks: number, toastBytes = 0): Table {
  return {
    oid: 1,
    schema: 's',
    name: 't',
    kind: 'r',
    persistence: 'p',
    partitionRoot: null,
    columns: [],
    hasPrimaryKey: true,
    readable: true,
    managed: false,
    blocks,
    heapBytes: blocks * BLOCK_SIZE,
    toastBytes,
    estimatedRows: 0,
  };
}

/** Is the tuple in the range? By the definition of SliceRange. */
function holds(range: SliceRange, [block, tuple]: [number, number]): boolean {
  if (block < range.fromBlock || (block === range.fromBlock && tuple < (range.fromTuple ?? 0))) return false;
  if (range.toTuple !== undefined && range.toTuple !== null) return block === range.fromBlock && tuple < range.toTuple;
  return range.toBlock === null || block < range.toBlock;
}

function onlyOneHolds(slices: Slice[], tuple: [number, number]) {
  assert.equal(
    slices.filter((slice) => holds(slice.range, tuple)).length,
    1,
    `(${tuple}) of ${JSON.stringify(slices)}`,
  );
}

test('every row of a table is in exactly one slice, also rows in blocks added later', () => {
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(50_000_000),
      fc.integer({ min: 1, max: 10_000_000 }),
      fc.nat(6000),
      (blocks, toast, target, block) => {
        const slices = planSlices(table(blocks, toast), { blockSize: BLOCK_SIZE, targetBytes: target });
        onlyOneHolds(slices, [block, 1]);
        assert.equal(slices.at(-1)!.range.toBlock, null);
        const parts = slices.map((slice) => slice.part);
        assert.deepEqual(parts, [...parts].sort());
      },
    ),
  );
});

test('a table of one slice has no part name', () => {
  const slices = planSlices(table(3), { blockSize: BLOCK_SIZE, targetBytes: 1_000_000 });
  assert.deepEqual(slices, [{ part: '', range: { fromBlock: 0, toBlock: null }, estimatedBytes: 3 * BLOCK_SIZE }]);
  assert.equal(planSlices(table(0), { blockSize: BLOCK_SIZE, targetBytes: 1 }).length, 1);
});

test('more than 9999 slices still sort by name', () => {
  const parts = planSlices(table(12_000), { blockSize: BLOCK_SIZE, targetBytes: 1 }).map((slice) => slice.part);
  assert.equal(parts.length, 12_000);
  assert.deepEqual(parts, [...parts].sort());
});

test('cutting goes on down to single rows, loses none, doubles none and keeps the order of names', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(4),
      fc.integer({ min: 1, max: MAX_TUPLES }),
      (blocks, block, tuple) => {
        let open = planSlices(table(blocks), { blockSize: BLOCK_SIZE, targetBytes: BLOCK_SIZE * 2 });
        for (let depth = 0; depth < 40; depth++) {
          const at = open.findIndex((slice) => holds(slice.range, [block, tuple]));
          const halves = cutSlice(open[at]!, { blocks });
          if (halves === null) break;
          open = open.toSpliced(at, 1, ...halves);
          onlyOneHolds(open, [block, tuple]);
          onlyOneHolds(open, [block + 1, 1]);
        }
        const last = open.find((slice) => holds(slice.range, [block, tuple]))!;
        assert.equal(cutSlice(last, { blocks }), null);
        const rows = Array.from({ length: MAX_TUPLES }, (_, index) => index + 1);
        assert.equal(rows.filter((row) => holds(last.range, [block, row])).length, 1);
        const parts = open.map((slice) => slice.part);
        assert.deepEqual(parts, [...parts].sort());
      },
    ),
    { numRuns: 50 },
  );
});
