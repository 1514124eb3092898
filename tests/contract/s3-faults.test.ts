/** The S3 store against a real S3 server, through a proxy that does harm. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { nodeS3Tuning } from '../../scripts/cli/s3-tuning.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';
import { type FaultProxy, type Harm, startFaultProxy } from '../support/fault-proxy.ts';
import { NO_S3, openTestS3, type TestS3 } from '../support/rgw/test-s3.ts';
import { collect, keysOf, pattern, sha256 } from './store-cases.ts';

const RETRY = {
  maxAttempts: 4,
  baseDelayMs: 5,
  maxDelayMs: 20,
  attemptTimeoutMs: 500,
  minUploadBytesPerSecond: 100_000_000,
};

const xmlError = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>told by the test</Message></Error>`;
const answer = (status: number, code = ''): Harm => ({ kind: 'answer', status, body: code ? xmlError(code) : '' });

const PASSING: [string, Harm][] = [
  ['429', answer(429)],
  ['500 InternalError', answer(500, 'InternalError')],
  ['502', answer(502)],
  ['503 SlowDown', answer(503, 'SlowDown')],
  ['504', answer(504)],
  ['400 RequestTimeout', answer(400, 'RequestTimeout')],
  ['a reset before the answer', { kind: 'reset' }],
  ['a lost answer', { kind: 'reset', afterwards: true }],
  ['silence', { kind: 'silence' }],
];

for (const [title, tuning] of [
  ['the S3 store', {}],
  ['the S3 store as scripts use it', nodeS3Tuning],
] as const) {
  describe(title, { skip: NO_S3 }, () => {
    let s3: TestS3;
    let proxy: FaultProxy;
    let store: Store;
    let direct: Store;

    before(async () => {
      s3 = await openTestS3();
    });
    after(() => s3?.stop());
    beforeEach(async () => {
      proxy = await startFaultProxy(s3.endpoint);
      const { accessKeyId, secretAccessKey } = s3;
      const options = { accessKeyId, secretAccessKey, region: 'us-east-1', bucket: await s3.createBucket() };
      store = createS3Store({ ...options, ...tuning, endpoint: proxy.endpoint, retry: RETRY });
      direct = createS3Store({ ...options, endpoint: s3.endpoint });
    });
    afterEach(async () => {
      await proxy.close();
      assert.equal(proxy.pending(), 0, 'a fault met no request');
    });

    for (const [name, harm] of PASSING) {
      test(`${name} is met once by every operation, and each succeeds`, async () => {
        const bytes = pattern(20_000_000);
        proxy.inject({ harm, method: 'PUT', url: '/small' });
        await store.put('small', pattern(100));
        for (const [method, url] of [
          ['POST', 'uploads='],
          ['PUT', 'partNumber=1&'],
          ['PUT', 'partNumber=3&'],
          ['POST', 'uploadId='],
        ]) {
          proxy.inject({ harm, method: method as string, url: url as string });
        }
        const writer = store.openWriter('large');
        await writer.write(bytes);
        assert.equal((await writer.finish()).sha256, sha256(bytes));
        proxy.inject({ harm, method: 'GET', url: '/small' });
        assert.equal((await store.getBytes('small')).length, 100);
        proxy.inject({ harm, method: 'GET', url: '/large' });
        assert.equal(sha256(await collect(await store.get('large'))), sha256(bytes));
        proxy.inject({ harm, method: 'HEAD' });
        assert.equal((await store.head('large'))?.size, bytes.length);
        proxy.inject({ harm, method: 'GET', url: 'list-type=2' });
        assert.deepEqual(await keysOf(store, ''), ['large', 'small']);
        proxy.inject({ harm, method: 'DELETE', url: '/large' });
        await store.delete('large');
        assert.deepEqual(await keysOf(direct, ''), ['small']);
      });
    }

    test('what fails on every attempt is given up after as many as the policy allows', async () => {
      const cases: [Harm, string, string][] = [
        [answer(503, 'SlowDown'), 'STORE_FAILED', 'transient'],
        [answer(429), 'STORE_FAILED', 'transient'],
        [{ kind: 'reset' }, 'STORE_UNREACHABLE', 'transient'],
        [{ kind: 'silence' }, 'STORE_UNREACHABLE', 'transient'],
      ];
      for (const [harm, code, kind] of cases) {
        proxy.inject({ harm, times: RETRY.maxAttempts });
        await assert.rejects(store.put('x', pattern(1)), (error: { code: string; kind: string; details: object }) => {
          assert.deepEqual([error.code, error.kind], [code, kind]);
          assert.equal((error.details as { attempts: number }).attempts, RETRY.maxAttempts);
          return true;
        });
        assert.equal(proxy.pending(), 0);
      }
    });

    test('what will not change is not tried again', async () => {
      const cases: [Harm, string][] = [
        [answer(400, 'InvalidArgument'), 'STORE_REFUSED'],
        [answer(403, 'AccessDenied'), 'STORE_DENIED'],
        [answer(403, 'RequestTimeTooSkewed'), 'STORE_CLOCK_SKEWED'],
        [answer(403, 'QuotaExceeded'), 'STORE_FULL'],
        [answer(507), 'STORE_FULL'],
        [answer(404, 'NoSuchBucket'), 'STORE_BUCKET_MISSING'],
        [{ ...answer(301), headers: { 'x-amz-bucket-region': 'eu-west-1' } } as Harm, 'STORE_REGION_WRONG'],
      ];
      for (const [harm, code] of cases) {
        proxy.inject({ harm });
        await assert.rejects(store.put('x', pattern(1)), { code, kind: 'permanent' });
      }
      assert.equal(proxy.requests.length, cases.length);
    });

    test('Retry-After is waited for', async () => {
      proxy.inject({ harm: { kind: 'answer', status: 503, headers: { 'retry-after': '1' } } });
      const begun = Date.now();
      await store.put('x', pattern(1));
      assert.ok(Date.now() - begun >= 1_000);
    });

    test('a stream that breaks off or falls silent fails, and never ends early', async () => {
      await store.put('half', pattern(3_000_000));
      for (const kind of ['cut-answer', 'stall-answer'] as const) {
        proxy.inject({ harm: { kind }, method: 'GET' });
        await assert.rejects(collect(await store.get('half')), { code: 'STORE_UNREACHABLE' });
      }
    });

    test('getBytes asks again for an answer that broke off', async () => {
      await store.put('half', pattern(3_000_000));
      proxy.inject({ harm: { kind: 'cut-answer' }, method: 'GET' });
      assert.equal(sha256(await store.getBytes('half')), sha256(pattern(3_000_000)));
    });

    test('bytes altered on their way are refused by the store and sent again', async () => {
      proxy.inject({ harm: { kind: 'alter-body' }, method: 'PUT' });
      await store.put('whole', pattern(1_000));
      assert.equal(sha256(await direct.getBytes('whole')), sha256(pattern(1_000)));
    });

    test('bytes altered every time are OBJECT_CORRUPT, and nothing is stored', async () => {
      proxy.inject({ harm: { kind: 'alter-body' }, method: 'PUT', times: RETRY.maxAttempts });
      await assert.rejects(store.put('whole', pattern(1_000)), { code: 'OBJECT_CORRUPT' });
      assert.equal(await direct.head('whole'), null);
    });

    test('a failed part fails the writer, and abort leaves no upload', async () => {
      proxy.inject({ harm: answer(500), method: 'PUT', url: 'partNumber=2&', times: RETRY.maxAttempts });
      const writer = store.openWriter('large');
      await assert.rejects(
        writer.write(pattern(40_000_000)).then(() => writer.finish()),
        { code: 'STORE_FAILED' },
      );
      await writer.abort();
      assert.equal(await direct.abortUploads(''), 0);
      assert.deepEqual(await keysOf(direct, ''), []);
    });

    test('an error within an answer of 200 is an error', async () => {
      proxy.inject({ harm: answer(200, 'InternalError'), method: 'POST', url: 'uploadId=', times: RETRY.maxAttempts });
      const writer = store.openWriter('large');
      await writer.write(pattern(17_000_000));
      await assert.rejects(writer.finish(), { code: 'STORE_FAILED' });
      await writer.abort();
      assert.deepEqual(await keysOf(direct, ''), []);
      assert.equal(await direct.abortUploads(''), 0);
    });

    test('a store that refuses the checksum header gets the object without it', async () => {
      proxy.inject({ harm: answer(501, 'NotImplemented'), method: 'PUT' });
      assert.equal((await store.put('plain', pattern(10))).size, 10);
      assert.equal((await direct.head('plain'))?.size, 10);
    });

    test('abort while a part is on its way sends nothing afterwards and leaves no upload', async () => {
      proxy.inject({ harm: { kind: 'silence' }, method: 'PUT', url: 'partNumber=2&' });
      const writer = store.openWriter('large');
      await writer.write(pattern(17_000_000));
      while (proxy.pending() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await writer.abort();
      assert.equal(await direct.abortUploads(''), 0);
      const sent = proxy.requests.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.equal(proxy.requests.length, sent);
    });

    test('check fails when it cannot learn whether strangers can read', async () => {
      proxy.inject({ harm: answer(503), method: 'GET', url: 'list-type=2', times: RETRY.maxAttempts });
      await assert.rejects(store.check(), { code: 'STORE_FAILED' });
      assert.deepEqual(await keysOf(direct, ''), []);
    });
  });
}
