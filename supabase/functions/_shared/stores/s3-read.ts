import { HoldfastError } from '../errors/define.ts';
import { STORE_ERRORS } from '../errors/store.ts';
import { assertWithin, readAll } from './byte-stream.ts';
import type { S3Client } from './s3-client.ts';
import { S3Failure } from './s3-failure.ts';
import type { ObjectName } from './s3-put.ts';
import { toHex } from './sha256.ts';
import type { ObjectInfo } from './store.ts';

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface S3ObjectInfo extends ObjectInfo {
  readonly etag?: string;
}

/** The object's facts, or null when the store has no such object. */
export async function headObject(client: S3Client, name: ObjectName): Promise<S3ObjectInfo | null> {
  try {
    return await askHead(client, name);
  } catch (error) {
    // An answer to HEAD has no body that names the reason: is it the object that is missing, or the bucket?
    if (!(error instanceof HoldfastError) || typeof error.details.status !== 'number') throw error;
    return (await canBeRead(client, name)) ? await askHead(client, name) : null;
  }
}

async function askHead(client: S3Client, { key, fullKey }: ObjectName): Promise<S3ObjectInfo> {
  const operation = `look at object '${key}'`;
  const headers = { 'x-amz-checksum-mode': 'ENABLED' };
  return await client.send({ method: 'HEAD', operation, key: fullKey, headers }, async ({ headers: answer }) => ({
    key,
    size: Number(answer.get('content-length')),
    lastModified: dateOf(answer.get('last-modified')),
    etag: answer.get('etag')?.replaceAll('"', ''),
    storeSha256: storeSha256Of(answer),
  }));
}

/** Asks in a way that is answered with a reason. False: there is no such object. */
async function canBeRead(client: S3Client, { key, fullKey }: ObjectName): Promise<boolean> {
  const operation = `look at object '${key}'`;
  const headers = { range: 'bytes=0-0' };
  try {
    await client.send({ method: 'GET', operation, key: fullKey, headers }, async ({ body }) => await body?.cancel());
    return true;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === 'OBJECT_MISSING') return false;
    // An empty object has no first byte.
    if (error.details.status === 416) return true;
    throw error;
  }
}

/**
 * A stream of the object's bytes that fails (STORE_UNREACHABLE) rather than end early, and that gives up when the store
 * is silent for the policy's attempt timeout.
 */
export async function getObject(
  client: S3Client,
  { key, fullKey }: ObjectName,
  range?: ByteRange,
): Promise<ReadableStream<Uint8Array>> {
  if (range && range.end <= range.start) return emptyStream();
  const operation = `read object '${key}'`;
  const headers: Record<string, string> = range ? { range: `bytes=${range.start}-${range.end - 1}` } : {};
  try {
    return await client.send({ method: 'GET', operation, key: fullKey, headers }, async (response) =>
      checkedStream(response, { key, location: client.location, idleTimeoutMs: client.policy.attemptTimeoutMs }),
    );
  } catch (error) {
    if (error instanceof HoldfastError && error.details.status === 416) return emptyStream();
    throw error;
  }
}

/** The whole object; an answer that breaks off is asked for again. Throws OBJECT_TOO_LARGE above `maxBytes`. */
export async function getObjectBytes(
  client: S3Client,
  { key, fullKey }: ObjectName,
  maxBytes: number,
): Promise<Uint8Array> {
  return await client.send({ method: 'GET', operation: `read object '${key}'`, key: fullKey }, async (response) => {
    const announced = announcedBytes(response);
    if (announced !== null && announced > maxBytes) await response.body?.cancel();
    assertWithin(announced ?? 0, { key, maxBytes });
    const bytes = await readAll(response.body ?? emptyStream(), { key, maxBytes });
    if (announced !== null && bytes.length !== announced) {
      throw new S3Failure(`answer ended after ${bytes.length} of ${announced} bytes`, {});
    }
    return bytes;
  });
}

/** The checksum that the store computed over the whole object, as hex; a checksum of part checksums is none. */
export function storeSha256Of(headers: Headers): string | undefined {
  const base64 = headers.get('x-amz-checksum-sha256');
  if (!base64 || headers.get('x-amz-checksum-type') === 'COMPOSITE' || !/^[A-Za-z0-9+/]{43}=$/.test(base64)) {
    return undefined;
  }
  return toHex(Uint8Array.from(atob(base64), (char) => char.charCodeAt(0)));
}

function checkedStream(
  response: Response,
  { key, location, idleTimeoutMs }: { key: string; location: string; idleTimeoutMs: number },
): ReadableStream<Uint8Array> {
  const announced = announcedBytes(response);
  const reader = (response.body ?? emptyStream()).getReader();
  let received = 0;
  const brokenOff = (cause?: unknown) =>
    STORE_ERRORS.STORE_UNREACHABLE(
      `cannot read object '${key}' in ${location}: answer ended after ${received} of ${announced ?? 'unknown'} bytes`,
      { cause, details: { receivedBytes: received, announcedBytes: announced } },
    );
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await readWithin(reader, idleTimeoutMs).catch((cause) => {
        throw brokenOff(cause);
      });
      received += value?.length ?? 0;
      if (value) return controller.enqueue(value);
      if (done && announced !== null && received !== announced) throw brokenOff();
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

async function readWithin(reader: ReadableStreamDefaultReader<Uint8Array>, timeoutMs: number) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new S3Failure(`nothing received for ${timeoutMs} ms`, {});
      reject(error);
      // Ends the connection; what the cancellation itself meets no longer matters to anybody.
      reader.cancel(error).catch(() => undefined);
    }, timeoutMs);
  });
  return await Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
}

/** null where the transport changed the length (content-encoding) or the store announced none. */
function announcedBytes({ headers }: Response): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('content-encoding') ? null : Number(length);
}

function dateOf(header: string | null): Date | null {
  const date = new Date(header ?? '');
  return Number.isNaN(date.getTime()) ? null : date;
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
