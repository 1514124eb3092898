/** The S3 server of the stack: Ceph RGW where it is installed, else s3rver, which checks no signature and no hash. */
import { mkdir } from 'node:fs/promises';
import getPort from 'get-port';
import S3rver from 's3rver';
import { rgwInstalled, startRgw } from './rgw.ts';
import { STACK_ERRORS } from './stack-errors.ts';

export interface StackS3 {
  readonly kind: 'ceph-rgw' | 's3rver';
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  createBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

const REGION = 'us-east-1';

/** No server outlives this process: s3rver runs inside it, and the kernel ends Ceph's with it. */
export async function startS3(options: { dir: string; prefer?: 'ceph-rgw' | 's3rver' }): Promise<StackS3> {
  if (options.prefer === 's3rver' || !rgwInstalled()) return startS3rver(options.dir);
  const rgw = await startRgw({ dir: options.dir });
  return { ...rgw, kind: 'ceph-rgw', region: REGION };
}

/** s3rver accepts one access key and any secret. */
async function startS3rver(dir: string): Promise<StackS3> {
  await mkdir(dir, { recursive: true });
  const port = await getPort({ host: '127.0.0.1' });
  const server = new S3rver({ port, address: '127.0.0.1', silent: true, directory: dir });
  await server.run();
  return {
    kind: 's3rver',
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    accessKeyId: 'S3RVER',
    secretAccessKey: 'S3RVER',
    async createBucket(name) {
      const response = await fetch(`http://127.0.0.1:${port}/${name}`, { method: 'PUT' });
      if (!response.ok) throw STACK_ERRORS.STACK_START_FAILED(`s3rver answered ${response.status} to a new bucket`);
    },
    async stop() {
      server.httpServer.closeAllConnections();
      await server.close();
    },
  };
}
