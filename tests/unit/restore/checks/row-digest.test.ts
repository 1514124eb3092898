import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowDigest } from '../../../../supabase/functions/_shared/restore/checks/row-digest.ts';

/** Rows in COPY text: never a raw line end inside. */
const row = fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replaceAll('\n', '\\n'));
const rows = fc.array(row, { maxLength: 30 });
const text = (all: readonly string[]) => Buffer.from(all.map((one) => `${one}\n`).join(''));

function digest(bytes: Uint8Array, { cuts = [] as number[], format = 'copy' as 'copy' | 'csv' } = {}): string {
  const made = new RowDigest(format);
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let at = 1; at < bounds.length; at++) made.add(bytes.subarray(bounds[at - 1]!, bounds[at]!));
  return made.finish();
}

/** The definition, in the slowest possible way. */
function expected(all: readonly string[]): string {
  const sum = all.reduce((total, one) => {
    const hash = createHash('sha256').update(one).digest();
    return (total + BigInt(`0x${Buffer.from(hash.subarray(0, 16)).reverse().toString('hex')}`)) % 2n ** 128n;
  }, 0n);
  return `${all.length}:${sum.toString(16).padStart(32, '0')}`;
}

test('the digest is the number of rows and the sum of their hashes, whatever the cuts', () => {
  fc.assert(
    fc.property(rows, fc.array(fc.nat(), { maxLength: 6 }), (all, cuts) => {
      assert.equal(digest(text(all), { cuts }), expected(all));
    }),
  );
});

test('the order of rows does not matter, their number does', () => {
  fc.assert(
    fc.property(rows, row, (all, one) => {
      assert.equal(digest(text(all)), digest(text([...all].reverse())));
      assert.notEqual(digest(text([...all, one])), digest(text(all)));
      assert.notEqual(digest(text([...all, one, one])), digest(text([...all, one])));
    }),
  );
});

test('any other row gives another digest', () => {
  fc.assert(
    fc.property(rows, row, row, (all, one, other) => {
      fc.pre(one !== other);
      assert.notEqual(digest(text([...all, one])), digest(text([...all, other])));
    }),
  );
});

test('NULL, an empty text and the text \\N are three rows', () => {
  const values = ['1\t\\N', '1\t', '1\t\\\\N'];
  assert.equal(new Set(values.map((value) => digest(text([value])))).size, 3);
});

test('carries move through all lanes', () => {
  const many = Array.from({ length: 5000 }, (_, index) => `${index}`);
  assert.equal(digest(text(many)), expected(many));
});

test('csv rows end outside quotes only, and a header is left out', () => {
  const cuts = [3, 9, 10, 11, 12];
  const body = Buffer.from('1,"a\n""b"\n2,""\n');
  const made = new RowDigest('csv');
  made.skipRow();
  made.add(Buffer.from('"i\nd",t\n'));
  made.add(body);
  assert.equal(made.finish(), expected(['1,"a\n""b"', '2,""']));
  assert.equal(digest(body, { cuts, format: 'csv' }), expected(['1,"a\n""b"', '2,""']));
});

test('a last row without a line end counts, and no bytes are no rows', () => {
  assert.equal(digest(Buffer.from('a\nb')), expected(['a', 'b']));
  assert.equal(digest(new Uint8Array(0)), expected([]));
});
