import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { denoBinary } from '../../scripts/dev/stack/repository.ts';
import { NO_S3, openTestS3, type TestS3 } from '../support/rgw/test-s3.ts';
import { STORE_CASES } from './store-cases.ts';

interface Outcome {
  readonly kind: string;
  readonly name: string;
  readonly error: string | null;
}

const repository = fileURLToPath(new URL('../../', import.meta.url));
let folder: string;
let s3: TestS3 | undefined;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-deno-'));
  s3 = NO_S3 ? undefined : await openTestS3();
});
after(async () => {
  await s3?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('the directory store and the S3 store keep the contract on Deno 2.1.4', async (context) => {
  if (!s3) context.diagnostic(`without S3: ${NO_S3}`);
  const outcomes = await runOnDeno();
  assert.deepEqual(
    outcomes.filter(({ error }) => error !== null),
    [],
  );
  assert.equal(outcomes.filter(({ kind }) => kind === 'directory').length, STORE_CASES.length);
  assert.equal(outcomes.filter(({ kind }) => kind === 's3').length, s3 ? STORE_CASES.length - 1 : 0);
});

/** With no more rights than an edge function has; a response body left open would keep it from ending. */
async function runOnDeno(): Promise<Outcome[]> {
  const options = s3 && {
    endpoint: s3.endpoint,
    accessKeyId: s3.accessKeyId,
    secretAccessKey: s3.secretAccessKey,
    region: 'us-east-1',
    bucket: await s3.createBucket(),
  };
  const rights = ['--allow-net', '--allow-env', '--allow-read', `--allow-write=${folder}`];
  const env = {
    ...process.env,
    NO_COLOR: '1',
    HOLDFAST_STORE_ON_DENO: JSON.stringify({ folder, s3: options ?? null }),
  };
  const args = ['run', '--no-prompt', '--cached-only', ...rights, join(repository, 'tests/contract/store-on-deno.ts')];
  const { stdout } = await promisify(execFile)(denoBinary(), args, {
    cwd: repository,
    env,
    timeout: 240_000,
    maxBuffer: 2 ** 24,
  });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
