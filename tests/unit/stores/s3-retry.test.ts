import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  pause,
  RETRY_POLICY,
  retryDelayMs,
  uploadTimeoutMs,
} from '../../../supabase/functions/_shared/stores/s3-retry.ts';

test('the wait is random, grows twofold to its ceiling, and is at least what the store asked for up to a limit', () => {
  const attempts = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(attempts, fc.option(fc.integer({ min: 0, max: 100_000 })), (attempt, retryAfterMs) => {
      const delay = retryDelayMs(RETRY_POLICY, { attempt, retryAfterMs });
      const asked = Math.min(retryAfterMs ?? 0, RETRY_POLICY.maxRetryAfterMs);
      assert.ok(delay >= asked && delay <= Math.max(asked, RETRY_POLICY.maxDelayMs, 0));
      assert.ok(delay <= Math.max(asked, RETRY_POLICY.baseDelayMs * 2 ** (attempt - 1)));
    }),
  );
});

test('a larger body may take longer', () => {
  assert.equal(uploadTimeoutMs(RETRY_POLICY, 0), RETRY_POLICY.attemptTimeoutMs);
  assert.equal(uploadTimeoutMs(RETRY_POLICY, 8 * 1024 ** 2), RETRY_POLICY.attemptTimeoutMs + 16_000);
});

test('pause ends at once when its signal aborts, before or meanwhile', async () => {
  const stop = new AbortController();
  const waiting = pause(60_000, stop.signal);
  stop.abort(new Error('enough'));
  await assert.rejects(waiting, { message: 'enough' });
  await assert.rejects(pause(60_000, stop.signal), { message: 'enough' });
});
