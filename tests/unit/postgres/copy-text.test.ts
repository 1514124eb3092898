import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { copyRows, copyText } from '../../../supabase/functions/_shared/postgres/copy-text.ts';

async function* pieces(text: string, size: number) {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

test('rows come out as they went in, whatever is in them and wherever the stream is cut', async () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\\N', '\\', 'a\tb\nc\rd', ''),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(value, { minLength: 1, maxLength: 4 })),
      fc.integer({ min: 1, max: 50 }),
      async (rows, size) => {
        const text = rows
          .map((row) => `${row.map((one) => (one === null ? '\\N' : copyText(one))).join('\t')}\n`)
          .join('');
        assert.deepEqual(await collect(copyRows(pieces(text, size))), rows);
      },
    ),
  );
});

test('the escapes that only the server writes are understood', async () => {
  assert.deepEqual(await collect(copyRows(pieces('\\b\\f\\v\\a\t\\\\N\n', 3))), [['\b\f\va', '\\N']]);
});
