import { createHash } from 'node:crypto';
import type { S3Client } from './s3-client.ts';
import type { ObjectName } from './s3-put.ts';
import { lockHeaders } from './s3-put-headers.ts';

/**
 * Makes sure that an object which was uploaded in parts is locked: some stores (Ceph 16) take the lock's headers at the
 * start of a multipart upload and forget them. Does nothing where no lock is wanted. Throws STORE_*.
 */
export async function ensureLocked(client: S3Client, { key, fullKey }: ObjectName): Promise<void> {
  const { 'x-amz-object-lock-mode': mode, 'x-amz-object-lock-retain-until-date': until } = lockHeaders(
    client.options,
    client.now(),
  );
  if (!mode || !until) return;
  const head = { method: 'HEAD' as const, operation: `look at the lock of object '${key}'`, key: fullKey };
  if ((await client.send(head, async ({ headers }) => headers.get('x-amz-object-lock-mode'))) !== null) return;
  const body = new TextEncoder().encode(
    `<Retention><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`,
  );
  const request = {
    method: 'PUT' as const,
    operation: `lock object '${key}'`,
    key: fullKey,
    query: { retention: '' },
    headers: { 'content-type': 'application/xml', 'content-md5': createHash('md5').update(body).digest('base64') },
    body,
  };
  await client.send(request, async (response) => await response.body?.cancel());
}
