/** Answers of makers that the contract tests do not run against, as their manuals give them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareKeys } from '../../../supabase/functions/_shared/stores/object-key.ts';
import { toStoreError } from '../../../supabase/functions/_shared/stores/s3-errors.ts';
import { failureOfResponse } from '../../../supabase/functions/_shared/stores/s3-failure.ts';
import { storeSha256Of } from '../../../supabase/functions/_shared/stores/s3-read.ts';
import { escapeXml, xmlText } from '../../../supabase/functions/_shared/stores/s3-xml.ts';
import { hexToBase64, sha256Hex } from '../../../supabase/functions/_shared/stores/sha256.ts';

test('the checksum is taken as hex where it covers the whole object, and not where it is one of parts', async () => {
  const hex = await sha256Hex(new TextEncoder().encode('abc'));
  assert.equal(hex, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  const base64 = hexToBase64(hex);
  assert.equal(
    storeSha256Of(new Headers({ 'x-amz-checksum-sha256': base64, 'x-amz-checksum-type': 'FULL_OBJECT' })),
    hex,
  );
  assert.equal(storeSha256Of(new Headers({ 'x-amz-checksum-sha256': base64 })), hex);
  assert.equal(storeSha256Of(new Headers({ 'x-amz-checksum-sha256': `${base64}-3` })), undefined);
  assert.equal(
    storeSha256Of(new Headers({ 'x-amz-checksum-sha256': base64, 'x-amz-checksum-type': 'COMPOSITE' })),
    undefined,
  );
  assert.equal(storeSha256Of(new Headers({ 'x-amz-checksum-sha256': 'nonsense' })), undefined);
  assert.equal(storeSha256Of(new Headers()), undefined);
});

test('an answer is mapped by its code first, then by its status, and the hint names the right region', async () => {
  const cases: [number, string, string][] = [
    [400, 'AuthorizationHeaderMalformed', 'STORE_REGION_WRONG'],
    [301, 'PermanentRedirect', 'STORE_REGION_WRONG'],
    [400, 'XMinioAdminBucketQuotaExceeded', 'STORE_FULL'],
    [403, 'SomethingNew', 'STORE_DENIED'],
    [500, 'SomethingNew', 'STORE_FAILED'],
    [409, 'SomethingNew', 'STORE_REFUSED'],
  ];
  for (const [status, code, expected] of cases) {
    const body = `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>a &amp; b</Message><Region>eu-west-1</Region></Error>`;
    const failure = await failureOfResponse(new Response(body, { status }));
    const error = toStoreError(failure, { operation: "put object 'x'", location: 's3://b on h', attempts: 1 });
    assert.equal(error.code, expected);
    assert.match(error.message, /a & b$/);
    if (expected === 'STORE_REGION_WRONG') assert.match(error.hint, /eu-west-1/);
  }
});

test('a huge or broken error body does no harm', async () => {
  const huge = new Response('<', { status: 500, headers: { 'content-length': String(10 ** 9) } });
  assert.equal((await failureOfResponse(huge)).status, 500);
  assert.equal((await failureOfResponse(new Response('<html>bad gateway', { status: 502 }))).code, '');
});

test('XML text survives escaping and reading, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(xmlText(`<a><ETag>${escapeXml(text)}</ETag></a>`, 'ETag'), text);
    }),
  );
});

test('the order of keys is that of their UTF-8 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
    }),
  );
});
