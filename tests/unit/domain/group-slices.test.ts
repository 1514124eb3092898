import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { groupSlices, sliceCost } from '../../../supabase/functions/_shared/domain/group-slices.ts';

test('groups keep every slice once, in order, and none with more than one slice is above the bound', () => {
  const slices = fc.array(fc.record({ estimatedBytes: fc.nat(50_000_000) }), { maxLength: 200 });
  fc.assert(
    fc.property(slices, fc.integer({ min: 1, max: 64_000_000 }), (all, bound) => {
      const groups = groupSlices(all, bound);
      assert.deepEqual(groups.flat(), all);
      for (const group of groups) {
        const cost = group.reduce((sum, slice) => sum + sliceCost(slice), 0);
        assert.ok(group.length === 1 || cost <= bound);
      }
    }),
  );
});

test('a thousand empty tables share a few calls', () => {
  const groups = groupSlices(
    Array.from({ length: 1000 }, () => ({ estimatedBytes: 0 })),
    32 * 1024 * 1024,
  );
  assert.ok(groups.length < 15, `${groups.length} calls`);
});
