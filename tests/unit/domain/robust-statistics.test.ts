import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { median, medianDeviation, medianSlope } from '../../../supabase/functions/_shared/domain/robust-statistics.ts';

const numbers = fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 50 });

test('the median has as many values below it as above, whatever their order', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  fc.assert(
    fc.property(numbers, (values) => {
      const middle = median(values);
      const below = values.filter((value) => value < middle).length;
      const above = values.filter((value) => value > middle).length;
      return below <= values.length / 2 && above <= values.length / 2;
    }),
  );
});

test('one odd value moves neither the median nor the deviation by much', () => {
  const usual = [100, 101, 99, 102, 98, 100];
  assert.equal(median([...usual, 1e9]), 100);
  assert.ok(medianDeviation([...usual, 1e9]) < 3);
  assert.equal(medianDeviation([5, 5, 5]), 0);
});

test('the slope is that of the line, with an odd point or without; a single moment has none', () => {
  const line = [0, 1, 2, 3, 4, 5, 6].map((x) => ({ x, y: 10 + 2 * x }));
  assert.equal(medianSlope(line), 2);
  assert.equal(medianSlope(line.map((point) => (point.x === 3 ? { ...point, y: 1e6 } : point))), 2);
  assert.equal(medianSlope([{ x: 1, y: 1 }]), null);
  assert.equal(
    medianSlope([
      { x: 1, y: 1 },
      { x: 1, y: 5 },
    ]),
    null,
  );
});
