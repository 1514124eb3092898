import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowDigest } from '../../../../supabase/functions/_shared/restore/checks/row-digest.ts';
import { sumOf } from '../../../../supabase/functions/_shared/restore/drill/compare-in-pieces.ts';
import { digestSomeRows } from '../../../../supabase/functions/_shared/restore/drill/digest-some-rows.ts';

type Format = 'copy' | 'csv';

async function* inBlocks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function whole(bytes: Uint8Array, format: Format): string {
  const digest = new RowDigest(format);
  if (format === 'csv') digest.skipRow();
  digest.add(bytes);
  return digest.finish();
}

/** In slices, each of which has had enough after so many parts. */
async function inSlices(bytes: Uint8Array, { format, size, parts }: { format: Format; size: number; parts: number }) {
  let sum = '0:0';
  let slices = 0;
  for (let from: number | null = 0; from !== null; slices++) {
    let seen = 0;
    const some: { digest: string; to: number | null } = await digestSomeRows(inBlocks(bytes, size), {
      format,
      from,
      onPart: (progress) => (progress.bytes > 0 && ++seen >= parts ? 'enough' : 'more'),
    });
    assert.ok(some.to === null || some.to > from, 'a slice goes on');
    sum = sumOf(sum, some.digest);
    from = some.to;
  }
  return { sum, slices };
}

const copyRow = fc.string().map((text) => text.replaceAll('\n', ' '));
/** Line ends and quotes inside quotes, which do not end a row. */
const csvRow = fc
  .array(fc.string({ unit: fc.constantFrom('a', '\n', '"', ',') }))
  .map((values) => values.map((value) => `"${value.replaceAll('"', '""')}"`).join(','));

for (const [format, row] of [
  ['copy', copyRow],
  ['csv', csvRow],
] as const) {
  test(`${format}: an object digested in slices has the digest of the whole, wherever they end`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        async (rows, size, parts) => {
          const head = format === 'csv' ? ['"id","name"'] : [];
          const bytes = new TextEncoder().encode([...head, ...rows].map((text) => `${text}\n`).join(''));
          const { sum } = await inSlices(bytes, { format, size, parts });
          assert.equal(sumOf(sum, '0:0'), sumOf(whole(bytes, format), '0:0'));
        },
      ),
    );
  });
}

test('a row longer than a slice is taken whole, and then the slice ends', async () => {
  const bytes = new TextEncoder().encode(`${'x'.repeat(1000)}\ny\nz\n`);
  const { sum, slices } = await inSlices(bytes, { format: 'copy', size: 10, parts: 1 });
  assert.equal(sum, whole(bytes, 'copy'));
  assert.equal(slices, 2);
});

test('a large block is cut: a slice does not wait for its end', async () => {
  const bytes = new TextEncoder().encode('12345\t67890\n'.repeat(100_000));
  const { sum, slices } = await inSlices(bytes, { format: 'copy', size: bytes.length, parts: 1 });
  assert.equal(sum, whole(bytes, 'copy'));
  assert.ok(slices >= 9, `${slices} slices`);
});
