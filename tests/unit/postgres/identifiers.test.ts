import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteIdentifier, quoteLiteral } from '../../../supabase/functions/_shared/postgres/identifiers.ts';

test('identifiers are always quoted and quotes doubled', () => {
  assert.equal(quoteIdentifier('a"b'), '"a""b"');
  assert.equal(quoteIdentifier('select'), '"select"');
});

test('literals double quotes, and backslashes only in an escape string', () => {
  assert.equal(quoteLiteral("o'clock"), "'o''clock'");
  assert.equal(quoteLiteral("\\'"), "E'\\\\'''");
});

test('a zero byte is refused, because the server would read the statement as ended there', () => {
  assert.throws(() => quoteIdentifier('a\0b'), { code: 'QUERY_FAILED' });
  assert.throws(() => quoteLiteral('a\0b'), { code: 'QUERY_FAILED' });
});
