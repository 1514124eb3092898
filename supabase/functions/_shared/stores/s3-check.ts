import { HoldfastError } from '../errors/define.ts';
import { STORE_ERRORS } from '../errors/store.ts';
import type { S3Client } from './s3-client.ts';
import { clockSkewMs } from './s3-failure.ts';
import { type ObjectName, putObject } from './s3-put.ts';
import { encryptionHeaders } from './s3-put-headers.ts';
import { getObjectBytes, headObject } from './s3-read.ts';
import type { StoreCheck } from './store.ts';

/**
 * 1. Write a small object (encrypted as backups are, but not locked nor archived: it must go again). 2. Read it back.
 * 3. Ask for it, and for the list, as a stranger. 4. Delete it.
 */
export async function checkStore(client: S3Client): Promise<StoreCheck> {
  const probe = `.holdfast-probe-${crypto.randomUUID()}`;
  const { prefix } = client.options;
  const name = { key: probe, fullKey: prefix ? `${prefix}/${probe}` : probe };
  const bytes = new TextEncoder().encode(probe);
  const keep = encryptionHeaders(client.options);
  const { versionId } = await putObject(client, name, { bytes, keep });
  try {
    await assertSame(client, name, bytes);
    const info = await headObject(client, name);
    return {
      anonymousRead: await strangersCanRead(client, name),
      keepsSha256: info?.storeSha256 !== undefined,
      clockSkewMs: await askClock(client, name),
    };
  } finally {
    await deleteProbe(client, name, versionId);
  }
}

async function assertSame(client: S3Client, name: ObjectName, expected: Uint8Array): Promise<void> {
  const actual = await getObjectBytes(client, name, expected.length);
  if (actual.length === expected.length && actual.every((byte, at) => byte === expected[at])) return;
  throw STORE_ERRORS.OBJECT_CORRUPT(`probe object '${name.key}' was read back altered`);
}

/** Deletes an object; where `versionId` is given, that version for good. Idempotent. */
export async function deleteObject(client: S3Client, { key, fullKey }: ObjectName, versionId?: string): Promise<void> {
  const query: Record<string, string> = versionId ? { versionId } : {};
  const request = { method: 'DELETE' as const, operation: `delete object '${key}'`, key: fullKey, query };
  await client
    .send(request, async (response) => await response.body?.cancel())
    .catch((error) => {
      if (!isCode(error, 'OBJECT_MISSING')) throw error;
    });
}

async function deleteProbe(client: S3Client, name: ObjectName, versionId: string | null): Promise<void> {
  if (!versionId || versionId === 'null') return await deleteObject(client, name);
  try {
    await deleteObject(client, name, versionId);
  } catch (error) {
    // A bucket that locks all objects by default, or a key that may not delete versions: hide the probe at least.
    if (!isCode(error, 'STORE_DENIED') && !isCode(error, 'STORE_REFUSED')) throw error;
    await deleteObject(client, name);
  }
}

/** A clear yes to a request without a signature; an answer that says neither yes nor no fails the check. */
async function strangersCanRead(client: S3Client, { key, fullKey }: ObjectName): Promise<boolean> {
  const readsObject = await answersStranger(client, { operation: `read object '${key}' as a stranger`, key: fullKey });
  const query = { 'list-type': '2', 'max-keys': '1' };
  return readsObject || (await answersStranger(client, { operation: 'list as a stranger', query }));
}

async function answersStranger(
  client: S3Client,
  request: { operation: string; key?: string; query?: Record<string, string> },
): Promise<boolean> {
  try {
    await client.send(
      { method: 'GET', anonymous: true, ...request },
      async (response) => await response.body?.cancel(),
    );
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind !== 'transient') return false;
    throw error;
  }
}

async function askClock(client: S3Client, { key, fullKey }: ObjectName): Promise<number | null> {
  const request = { method: 'HEAD' as const, operation: `look at object '${key}'`, key: fullKey };
  return await client.send(request, async (response) => clockSkewMs(response, client.now().getTime()));
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof HoldfastError && error.code === code;
}
