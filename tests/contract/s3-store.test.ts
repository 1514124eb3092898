/** The S3 store against a real S3 server (Ceph RGW). */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AwsClient } from 'aws4fetch';
import { nodeS3Tuning } from '../../scripts/cli/s3-tuning.ts';
import { createS3Store } from '../../supabase/functions/_shared/stores/s3-store.ts';
import { RGW_USER, rgwInstalled, startRgw } from '../support/rgw/start-rgw.ts';
import { NO_S3, openTestS3, type TestS3 } from '../support/rgw/test-s3.ts';
import { keysOf, pattern, sha256 } from './store-cases.ts';
import { describeStore } from './store-contract.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
let s3: TestS3;

before(async () => {
  if (!NO_S3) s3 = await openTestS3();
});
after(() => s3?.stop());

async function optionsOfNewBucket(bucketOptions: { objectLock?: boolean } = {}) {
  const { endpoint, accessKeyId, secretAccessKey } = s3;
  return { endpoint, accessKeyId, secretAccessKey, region: 'us-east-1', bucket: await s3.createBucket(bucketOptions) };
}

function rawClient(): AwsClient {
  const { accessKeyId, secretAccessKey } = s3;
  return new AwsClient({ accessKeyId, secretAccessKey, service: 's3', region: 'us-east-1', retries: 0 });
}

describeStore('the S3 store', { create: async () => createS3Store(await optionsOfNewBucket()) }, { skip: NO_S3 });
describeStore(
  'the S3 store as scripts use it',
  { create: async () => createS3Store({ ...(await optionsOfNewBucket()), ...nodeS3Tuning }) },
  { skip: NO_S3 },
);
describeStore(
  'the S3 store below a prefix',
  { create: async () => createS3Store({ ...(await optionsOfNewBucket()), prefix: 'ä/b c' }) },
  { skip: NO_S3, skipCases: { 'a key of 1,024 bytes is kept, and one of 1,025 refused': 'the prefix counts' } },
);

describe('the S3 store', { skip: NO_S3 }, () => {
  test('sees nothing of what stands beside its prefix', async () => {
    const options = await optionsOfNewBucket();
    await createS3Store({ ...options, prefix: 'a' }).put('mine', pattern(1));
    await createS3Store({ ...options, prefix: 'ab' }).put('other', pattern(1));
    assert.deepEqual(await keysOf(createS3Store({ ...options, prefix: 'a' }), ''), ['mine']);
    assert.deepEqual(await keysOf(createS3Store(options), ''), ['a/mine', 'ab/other']);
  });

  test('a presigned URL reads the object; a tampered, foreign or expired one does not', async () => {
    const options = await optionsOfNewBucket();
    const store = createS3Store(options);
    const bytes = pattern(5000);
    await store.put('shared/ä +&%.bin', bytes);
    const url = (await store.presignGet('shared/ä +&%.bin', 60)) ?? '';
    assert.equal(sha256(new Uint8Array(await (await fetch(url)).arrayBuffer())), sha256(bytes));
    assert.ok(!url.includes(options.secretAccessKey));
    const longAgo = createS3Store({ ...options, now: () => new Date(Date.now() - 120_000) });
    const refused = [
      url.replace('X-Amz-Expires=60', 'X-Amz-Expires=61'),
      url.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      url.replace('.bin', '.bim'),
      (await longAgo.presignGet('shared/ä +&%.bin', 60)) ?? '',
    ];
    for (const wrong of refused) {
      const response = await fetch(wrong);
      await response.body?.cancel();
      assert.equal(response.status, 403, wrong);
    }
  });

  test('check finds a bucket that strangers can read, or only list', async () => {
    for (const [action, resource] of [
      ['s3:GetObject', '/*'],
      ['s3:ListBucket', ''],
    ]) {
      const options = await optionsOfNewBucket();
      assert.equal((await createS3Store(options).check()).anonymousRead, false);
      const statement = {
        Effect: 'Allow',
        Principal: '*',
        Action: [action],
        Resource: [`arn:aws:s3:::${options.bucket}${resource}`],
      };
      const body = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
      const response = await rawClient().fetch(`${options.endpoint}/${options.bucket}?policy=`, {
        method: 'PUT',
        body,
      });
      assert.ok(response.ok, await response.text());
      assert.equal((await createS3Store(options).check()).anonymousRead, true, action);
    }
  });

  test('a wrong secret or an unknown access key is STORE_DENIED on every operation, without telling the secret', async () => {
    const options = await optionsOfNewBucket();
    const wrong = [
      { secretAccessKey: 'wrong-secret-value' },
      { accessKeyId: 'NOSUCHKEY', secretAccessKey: 'wrong-secret-value' },
    ];
    for (const change of wrong) {
      const store = createS3Store({ ...options, ...change });
      const attempts = [
        () => store.put('x', pattern(1)),
        () => store.head('x'),
        () => store.get('x'),
        () => store.getBytes('x'),
        () => store.delete('x'),
        () => keysOf(store, ''),
        () => store.abortUploads(''),
        () => store.check(),
      ];
      for (const attempt of attempts) {
        await assert.rejects(attempt, (error: Error & { code: string; details: { attempts: number } }) => {
          assert.equal(error.code, 'STORE_DENIED');
          assert.equal(error.details.attempts, 1);
          assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, /wrong-secret-value|Signature=/);
          return true;
        });
      }
    }
  });

  test('a bucket that does not exist is STORE_BUCKET_MISSING, also where the answer has no body', async () => {
    const store = createS3Store({ ...(await optionsOfNewBucket()), bucket: 'no-such-bucket-here' });
    const expected = { code: 'STORE_BUCKET_MISSING' };
    await assert.rejects(store.put('x', pattern(1)), expected);
    await assert.rejects(store.head('x'), expected);
    await assert.rejects(store.get('x'), expected);
    await assert.rejects(keysOf(store, ''), expected);
    await assert.rejects(store.check(), expected);
  });

  test('an unreachable endpoint is STORE_UNREACHABLE after the attempts of the policy', async () => {
    const retry = { maxAttempts: 3, baseDelayMs: 1 };
    for (const endpoint of ['http://127.0.0.1:9', 'http://no-such-host.invalid']) {
      const store = createS3Store({ ...(await optionsOfNewBucket()), endpoint, retry });
      await assert.rejects(store.head('x'), { code: 'STORE_UNREACHABLE', kind: 'transient' });
    }
  });

  test('a clock that is 20 minutes off is STORE_CLOCK_SKEWED and the error says by how much; check measures less', async () => {
    const options = await optionsOfNewBucket();
    const fast = createS3Store({ ...options, now: () => new Date(Date.now() + 20 * 60_000) });
    await assert.rejects(fast.put('x', pattern(1)), { code: 'STORE_CLOCK_SKEWED' });
    await assert.rejects(fast.head('x'), { code: 'STORE_CLOCK_SKEWED' });
    const slow = createS3Store({ ...options, now: () => new Date(Date.now() - 5 * 60_000) });
    const { clockSkewMs } = await slow.check();
    assert.ok(Math.abs((clockSkewMs ?? 0) - 5 * 60_000) < 5_000, String(clockSkewMs));
  });

  test('locked objects carry the retention date, single and multipart, and cannot be deleted for good', async () => {
    const options = { ...(await optionsOfNewBucket({ objectLock: true })), objectLockDays: 3 };
    const store = createS3Store(options);
    await store.put('single', pattern(10));
    const writer = store.openWriter('parts');
    await writer.write(pattern(20_000_000));
    await writer.finish();
    for (const key of ['single', 'parts']) {
      const url = `${options.endpoint}/${options.bucket}/${key}`;
      const head = await rawClient().fetch(url, { method: 'HEAD' });
      assert.equal(head.headers.get('x-amz-object-lock-mode'), 'GOVERNANCE');
      const until = Date.parse(head.headers.get('x-amz-object-lock-retain-until-date') ?? '');
      assert.ok(Math.abs(until - Date.now() - 3 * DAY_MS) < 60_000, key);
      const versionId = head.headers.get('x-amz-version-id') ?? '';
      const deletion = await rawClient().fetch(`${url}?versionId=${versionId}`, { method: 'DELETE' });
      await deletion.body?.cancel();
      assert.equal(deletion.status, 403, key);
    }
  });

  test('check leaves no version behind in a bucket that keeps versions', async () => {
    const options = await optionsOfNewBucket({ objectLock: true });
    await createS3Store(options).check();
    const versions = await (await rawClient().fetch(`${options.endpoint}/${options.bucket}?versions=`)).text();
    assert.doesNotMatch(versions, /<Version>|<DeleteMarker>/);
  });

  test('storage class and SSE-KMS arrive with the object', async () => {
    const options = {
      ...(await optionsOfNewBucket()),
      storageClass: 'STANDARD_IA',
      sse: 'aws:kms' as const,
      kmsKeyId: 'testkey-1',
    };
    const store = createS3Store(options);
    const bytes = pattern(17_000_000);
    const writer = store.openWriter('kept');
    await writer.write(bytes);
    await writer.finish();
    await store.put('small', pattern(5));
    for (const key of ['kept', 'small']) {
      const { headers } = await rawClient().fetch(`${options.endpoint}/${options.bucket}/${key}`, { method: 'HEAD' });
      assert.equal(headers.get('x-amz-server-side-encryption'), 'aws:kms', key);
      assert.equal(headers.get('x-amz-storage-class'), 'STANDARD_IA', key);
    }
    assert.equal(sha256(await store.getBytes('kept')), sha256(bytes));
    await store.check();
  });

  test('a full bucket is STORE_FULL and nothing is left of the upload', {
    skip: rgwInstalled() ? false : 'no radosgw-admin',
  }, async () => {
    const rgw = await startRgw();
    try {
      await rgw.createBucket('small-bucket');
      await rgw.admin('quota', 'set', '--quota-scope=bucket', `--uid=${RGW_USER}`, '--max-size=4194304');
      await rgw.admin('quota', 'enable', '--quota-scope=bucket', `--uid=${RGW_USER}`);
      const store = createS3Store({ ...rgw, region: 'us-east-1', bucket: 'small-bucket' });
      await store.put('fits', pattern(1000));
      await assert.rejects(store.put('large', pattern(6_000_000)), { code: 'STORE_FULL' });
      const writer = store.openWriter('larger');
      await assert.rejects(
        writer.write(pattern(40_000_000)).then(() => writer.finish()),
        { code: 'STORE_FULL' },
      );
      await writer.abort();
      assert.equal(await store.abortUploads(''), 0);
      assert.deepEqual(await keysOf(store, ''), ['fits']);
    } finally {
      await rgw.stop();
    }
  });
});
