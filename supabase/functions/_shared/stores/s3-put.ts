import { HoldfastError } from '../errors/define.ts';
import type { S3Client } from './s3-client.ts';
import { keepHeaders, lockDigestHeaders } from './s3-put-headers.ts';
import { storeSha256Of } from './s3-read.ts';
import { hexToBase64 } from './sha256.ts';
import type { PutOptions, PutResult } from './store.ts';

/** The store-relative key and the one with the prefix. */
export interface ObjectName {
  readonly key: string;
  readonly fullKey: string;
}

/** One object in one request. The hash is computed once and used for the signature, the checksum header and the result. */
export async function putObject(
  client: S3Client,
  { key, fullKey }: ObjectName,
  options: PutOptions & { bytes: Uint8Array; keep?: Record<string, string> },
): Promise<PutResult & { versionId: string | null }> {
  const { bytes } = options;
  const sha256 = await client.sha256(bytes);
  const request = {
    method: 'PUT' as const,
    operation: `put object '${key}'`,
    key: fullKey,
    headers: {
      'content-type': options.contentType ?? 'application/octet-stream',
      ...(options.keep ?? {
        ...keepHeaders(client.options, client.now()),
        ...lockDigestHeaders(client.options, bytes),
      }),
    },
    body: bytes,
    bodySha256: sha256,
    signal: options.signal,
  };
  const read = async (response: Response) => {
    await response.body?.cancel();
    const etag = response.headers.get('etag')?.replaceAll('"', '');
    const versionId = response.headers.get('x-amz-version-id');
    return { key, size: bytes.length, sha256, etag, storeSha256: storeSha256Of(response.headers), versionId };
  };
  const checksum = { 'x-amz-checksum-sha256': hexToBase64(sha256) };
  try {
    return await client.send({ ...request, headers: { ...request.headers, ...checksum } }, read);
  } catch (error) {
    // Some stores refuse the header that others ignore; the signed payload hash protects the upload all the same.
    if (!refusesChecksum(error)) throw error;
    return await client.send(request, read);
  }
}

function refusesChecksum(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  return error.details.storeCode === 'NotImplemented' || /x-amz-checksum/i.test(error.message);
}
