import { createBucket, type RunningRgw, rgwInstalled, startRgw } from './start-rgw.ts';

/** The S3 server that a test file talks to. */
export interface TestS3 {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  createBucket(options?: { objectLock?: boolean }): Promise<string>;
  /** Ends the server if this file started it. */
  stop(): Promise<void>;
}

/** Why the tests on S3 are left out here, or false. */
export const NO_S3: string | false =
  process.env.HOLDFAST_TEST_S3_ENDPOINT || rgwInstalled()
    ? false
    : 'no S3 server: set HOLDFAST_TEST_S3_ENDPOINT, or install ceph-mon ceph-osd radosgw ceph-common';

/** The server that the test runner gives, else one of our own. */
export async function openTestS3(): Promise<TestS3> {
  const given = process.env.HOLDFAST_TEST_S3_ENDPOINT;
  if (!given) return ofRgw(await startRgw());
  const server = {
    endpoint: given,
    accessKeyId: required('HOLDFAST_TEST_S3_ACCESS_KEY_ID'),
    secretAccessKey: required('HOLDFAST_TEST_S3_SECRET_ACCESS_KEY'),
  };
  return { ...server, createBucket: (options) => newBucket(server, options), stop: async () => undefined };
}

function ofRgw(rgw: RunningRgw): TestS3 {
  return { ...rgw, createBucket: (options) => newBucket(rgw, options), stop: () => rgw.stop() };
}

async function newBucket(
  server: { endpoint: string; accessKeyId: string; secretAccessKey: string },
  options: { objectLock?: boolean } = {},
): Promise<string> {
  const name = `test-${crypto.randomUUID()}`;
  const { endpoint, accessKeyId, secretAccessKey } = server;
  await createBucket({ endpoint, accessKeyId, secretAccessKey, name, objectLock: options.objectLock ?? false });
  return name;
}

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} must be set together with HOLDFAST_TEST_S3_ENDPOINT`);
  return value;
}
