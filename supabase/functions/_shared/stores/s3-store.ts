import { assertObjectKey } from './object-key.ts';
import { checkStore, deleteObject } from './s3-check.ts';
import { S3Client } from './s3-client.ts';
import { abortUploadsBelow, listObjects } from './s3-list.ts';
import { S3MultipartWriter } from './s3-multipart-writer.ts';
import type { S3Options, S3Tuning } from './s3-options.ts';
import { SINGLE_PUT_BYTES } from './s3-part-sizes.ts';
import { type ObjectName, putObject } from './s3-put.ts';
import { getObject, getObjectBytes, headObject } from './s3-read.ts';
import type { PutOptions, PutResult, Store } from './store.ts';

export type { S3Options } from './s3-options.ts';

/** A store in one bucket of any S3-compatible service. Opens no connection before the first call. */
export function createS3Store(options: S3Options & S3Tuning): Store {
  const client = new S3Client(options);
  const folder = options.prefix ? `${options.prefix}/` : '';
  const nameOf = (key: string): ObjectName => {
    const fullKey = folder + key;
    assertObjectKey(key);
    assertObjectKey(fullKey);
    return { key, fullKey };
  };

  return {
    kind: 's3',
    location: client.location,
    async put(key, bytes, putOptions): Promise<PutResult> {
      if (bytes.length > SINGLE_PUT_BYTES) return await putInParts(client, nameOf(key), { ...putOptions, bytes });
      const { versionId: _, ...result } = await putObject(client, nameOf(key), { ...putOptions, bytes });
      return result;
    },
    openWriter: (key, putOptions) => new S3MultipartWriter(client, nameOf(key), putOptions),
    get: (key, range) => getObject(client, nameOf(key), range),
    getBytes: (key, maxBytes = Number.POSITIVE_INFINITY) => getObjectBytes(client, nameOf(key), maxBytes),
    head: (key) => headObject(client, nameOf(key)),
    async *list(prefix) {
      for await (const info of listObjects(client, folder + prefix))
        yield { ...info, key: info.key.slice(folder.length) };
    },
    delete: (key) => deleteObject(client, nameOf(key)),
    abortUploads: (prefix) => abortUploadsBelow(client, folder + prefix),
    presignGet: (key, seconds) => client.presign(nameOf(key).fullKey, seconds),
    check: () => checkStore(client),
  };
}

async function putInParts(
  client: S3Client,
  name: ObjectName,
  { bytes, ...options }: PutOptions & { bytes: Uint8Array },
): Promise<PutResult> {
  const writer = new S3MultipartWriter(client, name, options);
  try {
    await writer.write(bytes);
    return await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
