import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { verifyBatches } from '../../../supabase/functions/_shared/backup/verify-batches.ts';

test('batches cover every object once and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200_000_000), { maxLength: 600 }),
      fc.constantFrom('quick' as const, 'deep' as const),
      (sizes, kind) => {
        const batches = verifyBatches(sizes, kind);
        const covered = batches.flatMap(({ from, to }) =>
          Array.from({ length: to - from }, (_, offset) => from + offset),
        );
        assert.deepEqual(
          covered,
          sizes.map((_, index) => index),
        );
      },
    ),
  );
});

test('a deep batch of more than one object reads at most 96 MiB', () => {
  const sizes = Array.from({ length: 50 }, () => 30 * 1024 * 1024);
  for (const { from, to } of verifyBatches(sizes, 'deep')) assert.ok(to - from <= 3);
});

test('no objects, no batches', () => {
  assert.deepEqual(verifyBatches([], 'deep'), []);
});
