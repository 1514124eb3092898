import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteWords } from '../../../supabase/functions/_shared/domain/byte-words.ts';

test('a size is said in powers of 1000, with the unit that its rounded amount has', () => {
  for (const [bytes, words] of [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_230_000_000, '1.2 GB'],
    [999_949, '999.9 kB'],
    [999_960, '1.0 MB'],
    [1e18, '1000.0 PB'],
  ] as const) {
    assert.equal(byteWords(bytes), words);
  }
});
