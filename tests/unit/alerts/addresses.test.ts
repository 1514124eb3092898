import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutText } from '../../../supabase/functions/_shared/alerts/cut-text.ts';
import { retryAfterSeconds } from '../../../supabase/functions/_shared/alerts/retry-after.ts';
import { safeAddress } from '../../../supabase/functions/_shared/alerts/safe-address.ts';

test('addresses are https; plain http is for this machine alone', () => {
  for (const good of [
    'https://hooks.slack.com/services/x',
    'http://127.0.0.1:9/x',
    'http://localhost/',
    'http://[::1]:80/',
  ]) {
    assert.ok(safeAddress(good, 'it'));
  }
  for (const bad of [
    'http://example.com',
    'http://169.254.169.254/',
    'http://127.0.0.1.example.com/',
    'file:///etc/passwd',
    'gopher://x',
    '//x',
    'x',
    '',
    'https://u:p@example.com',
  ]) {
    assert.throws(
      () => safeAddress(bad, 'it'),
      (error: Error & { code: string }) => {
        assert.equal(error.code, 'ALERT_SECRET_INVALID');
        assert.ok(bad === '' || bad === 'x' || !error.message.includes(bad));
        return true;
      },
    );
  }
});

test('Retry-After is read in every form, never negative and never beyond an hour', () => {
  const now = Date.parse('2026-01-14T00:00:00Z');
  const read = (header: string | null, body = '') =>
    retryAfterSeconds(new Headers(header === null ? {} : { 'retry-after': header }), body, now);
  assert.equal(read('30'), 30);
  assert.equal(read('Wed, 14 Jan 2026 00:01:00 GMT'), 60);
  assert.equal(read('Tue, 13 Jan 2026 00:00:00 GMT'), 0);
  assert.equal(read('999999'), 3600);
  assert.equal(read(null, '{"retry_after": 1.2}'), 2);
  assert.equal(read('soon', 'no json'), 0);
  assert.equal(read(null), 0);
});

test('a cut never leaves half of a character', () => {
  assert.equal(cutText('abc', 3), 'abc');
  assert.equal(cutText('abcd', 3), 'ab…');
  assert.equal(cutText('a😀b', 3), 'a…');
});
