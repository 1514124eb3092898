import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sliceBudget } from '../../../../supabase/functions/_shared/restore/drill/slice-budget.ts';

test('work that cannot be cut waits for a slice of its own, and a fresh slice takes it however large it is', () => {
  const budget = sliceBudget({ bytes: 100, seconds: 60 });
  assert.equal(budget.affords(1000), true);
  budget.spend(1);
  assert.equal(budget.affords(1000), false);
  assert.equal(budget.affords(99), true);
  budget.spend(99);
  assert.equal(budget.isSpent(), true);
});

test('a slice is over with its time, whatever is left of it', () => {
  assert.equal(sliceBudget({ bytes: 100, seconds: 0 }).isSpent(), true);
});
