import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowDigest } from '../../../../supabase/functions/_shared/restore/checks/row-digest.ts';
import { sumOf } from '../../../../supabase/functions/_shared/restore/drill/compare-in-pieces.ts';

const digestOf = (rows: readonly string[]) => {
  const digest = new RowDigest();
  digest.add(new TextEncoder().encode(rows.map((row) => `${row}\n`).join('')));
  return digest.finish();
};

test('digests of parts add up to the digest of the whole, however it was cut', () => {
  const row = fc.string().map((text) => text.replaceAll('\n', ' '));
  fc.assert(
    fc.property(fc.array(row), fc.array(row), (one, other) => {
      assert.equal(sumOf(digestOf(one), digestOf(other)), digestOf([...one, ...other]));
    }),
  );
  assert.equal(sumOf('0:0', digestOf(['a', 'b'])), digestOf(['b', 'a']));
});
