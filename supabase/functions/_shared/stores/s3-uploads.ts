import type { S3Client } from './s3-client.ts';
import { failureOfXml, S3Failure } from './s3-failure.ts';
import type { ObjectName } from './s3-put.ts';
import { keepHeaders, lockDigestHeaders } from './s3-put-headers.ts';
import { escapeXml, xmlText } from './s3-xml.ts';
import type { PutOptions } from './store.ts';

/** One multipart upload that the store has begun. */
export interface Upload extends ObjectName {
  readonly uploadId: string;
}

export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/** The requests of a multipart upload. Throws STORE_*. */
export async function createUpload(client: S3Client, name: ObjectName, options: PutOptions): Promise<Upload> {
  const request = {
    method: 'POST' as const,
    operation: `start upload of '${name.key}'`,
    key: name.fullKey,
    query: { uploads: '' },
    headers: {
      'content-type': options.contentType ?? 'application/octet-stream',
      ...keepHeaders(client.options, client.now()),
    },
    signal: options.signal,
  };
  return await client.send(request, async (response) => {
    const xml = await response.text();
    const uploadId = xmlText(xml, 'UploadId');
    if (!uploadId) throw failureOfXml(xml, response);
    return { ...name, uploadId };
  });
}

export async function uploadPart(
  client: S3Client,
  upload: Upload,
  part: { partNumber: number; bytes: Uint8Array; signal?: AbortSignal },
): Promise<UploadedPart> {
  const { partNumber, bytes, signal } = part;
  const request = {
    method: 'PUT' as const,
    operation: `upload part ${partNumber} of '${upload.key}'`,
    key: upload.fullKey,
    query: { partNumber: String(partNumber), uploadId: upload.uploadId },
    headers: lockDigestHeaders(client.options, bytes),
    body: bytes,
    bodySha256: await client.sha256(bytes),
    signal,
  };
  return await client.send(request, async (response) => {
    await response.body?.cancel();
    const etag = response.headers.get('etag');
    if (!etag) throw new S3Failure('answer to an uploaded part has no ETag', { status: 500 });
    return { partNumber, etag };
  });
}

/** Returns the object's ETag, where the store tells it. */
export async function completeUpload(
  client: S3Client,
  upload: Upload,
  options: { parts: UploadedPart[]; signal?: AbortSignal },
): Promise<string | undefined> {
  const parts = options.parts.map(
    ({ partNumber, etag }) => `<Part><PartNumber>${partNumber}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  const request = {
    method: 'POST' as const,
    operation: `finish upload of '${upload.key}'`,
    key: upload.fullKey,
    query: { uploadId: upload.uploadId },
    headers: { 'content-type': 'application/xml' },
    body: new TextEncoder().encode(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`),
    signal: options.signal,
  };
  return await client.send(request, async (response) => {
    const xml = await response.text();
    if (xmlText(xml, 'Code') !== undefined) throw failureOfXml(xml, response);
    return xmlText(xml, 'ETag')?.replaceAll('"', '') || undefined;
  });
}

/** Idempotent: an upload that is gone already is what was wanted. */
export async function abortUpload(client: S3Client, upload: Upload): Promise<void> {
  const request = {
    method: 'DELETE' as const,
    operation: `abort upload of '${upload.key}'`,
    key: upload.fullKey,
    query: { uploadId: upload.uploadId },
  };
  await client
    .send(request, async (response) => await response.body?.cancel())
    .catch((error) => {
      if (error?.details?.status !== 404 || error?.code === 'STORE_BUCKET_MISSING') throw error;
    });
}
