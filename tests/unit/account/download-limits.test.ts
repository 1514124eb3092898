import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { downloadRanges } from '../../../supabase/functions/account/download-ranges.ts';
import { createPlaces } from '../../../supabase/functions/account/places.ts';
import { requestedRange } from '../../../supabase/functions/account/requested-range.ts';

test('the ranges of a file follow each other without a gap, from its first byte to its last', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 * 1024 ** 3 }), (size) => {
      let at = 0;
      for (const header of downloadRanges(size)) {
        const { start, end } = requestedRange(header, size)!;
        assert.equal(start, at);
        assert.ok(end - start <= 64 * 1024 * 1024);
        at = end;
      }
      assert.equal(at, size);
    }),
    { numRuns: 200 },
  );
  assert.deepEqual(downloadRanges(0), []);
});

test('places are taken once and given back once, and nobody has more than one may have', () => {
  const places = createPlaces(3, { each: 2 });
  const [first, second] = [places.enter('a')!, places.enter('a')!];
  assert.equal(places.enter('a'), null);
  const third = places.enter('b')!;
  assert.equal(places.enter('c'), null);
  first();
  first();
  assert.notEqual(places.enter('c'), null);
  assert.equal(places.enter('c'), null);
  second();
  third();
  const nameless = createPlaces(2);
  assert.notEqual(nameless.enter(), null);
  assert.notEqual(nameless.enter(), null);
  assert.equal(nameless.enter(), null);
});
