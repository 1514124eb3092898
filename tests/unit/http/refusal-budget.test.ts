import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRefusalBudget } from '../../../supabase/functions/_shared/http/refusal-budget.ts';

test('so many refusals a minute are recorded, and the first of the next minute says how many were not', () => {
  const budget = createRefusalBudget(2);
  assert.deepEqual(
    [budget.take(0), budget.take(1), budget.take(2), budget.take(59_999)],
    [{ unrecorded: 0 }, { unrecorded: 0 }, null, null],
  );
  assert.deepEqual(
    [budget.take(60_000), budget.take(60_001), budget.take(60_002)],
    [{ unrecorded: 2 }, { unrecorded: 0 }, null],
  );
});
