import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scrubText } from '../../../supabase/functions/_shared/alerts/scrub-text.ts';

const MASKED: [string, string][] = [
  ['postgres://postgres:hunter22@db.example.com/postgres', 'postgres://***@db.example.com/postgres'],
  ['eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYSJ9.c2lnbmF0dXJl', '***'],
  ['key sb_secret_abcdef123456', 'key ***'],
  ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', '***'],
  ['write to jane.doe+x@mail.example.co.uk now', 'write to *** now'],
  ['password=opensesame and more', 'password=*** and more'],
  [`sum ${'0f'.repeat(32)}`, 'sum ***'],
  ['-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----', '***'],
  ['two\u0000words\u202e', 'two words '],
];
for (const [text, expected] of MASKED) {
  test(`what looks like a secret or a person is masked: ${expected}`, () => assert.equal(scrubText(text), expected));
}

test('names of backups, places, times and ids stay readable', () => {
  for (const text of [
    'pre-deployment_20260114_020000_9f3c11ab',
    's3://my-bucket/prefix/daily/2026-01-14/daily_20260114_020000_9f3c11ab',
    '6a0e7a52-59c2-4a55-9d8c-0d2b8b1b4c11',
    'Requests through pg_net: a request has waited for 4.0 minutes',
  ]) {
    assert.equal(scrubText(text), text);
  }
});

test('a known secret is masked wherever it stands, percent-encoded too', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6, maxLength: 40 }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!secret.includes('*') && !'***'.includes(secret) && secret.trim() === secret);
      assert.ok(!scrubText(`${before} ${secret} ${after}`, [secret]).includes(secret));
    }),
  );
  assert.equal(scrubText('at a%2Fb%20c%2Fd', ['a/b c/d']), 'at ***');
});
