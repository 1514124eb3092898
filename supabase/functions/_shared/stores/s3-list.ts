import type { S3Client } from './s3-client.ts';
import { S3Failure } from './s3-failure.ts';
import { abortUpload } from './s3-uploads.ts';
import { decodeEntities } from './s3-xml.ts';
import type { ObjectInfo } from './store.ts';

/** The parser gives text for every leaf (parseTagValue is off) and arrays for LIST_TAGS. */
interface ListAnswer {
  Contents?: { Key: string; Size: string; LastModified?: string }[];
  Upload?: { Key: string; UploadId: string }[];
  IsTruncated?: string;
  NextContinuationToken?: string;
  NextKeyMarker?: string;
  NextUploadIdMarker?: string;
}

const LIST_TAGS = ['Contents', 'Upload'];

/** All objects whose full key begins with `fullPrefix`, in key order, page by page. Keys are given with the prefix. */
export async function* listObjects(client: S3Client, fullPrefix: string): AsyncGenerator<ObjectInfo> {
  let from: Record<string, string> = {};
  for (;;) {
    const query = { 'list-type': '2', 'encoding-type': 'url', prefix: fullPrefix, ...from };
    const page = await askList(client, { operation: `list '${fullPrefix}'`, query });
    const objects = (page.Contents ?? []).map((entry) => ({
      key: decodeKey(entry.Key),
      size: Number(entry.Size),
      lastModified: entry.LastModified ? new Date(entry.LastModified) : null,
    }));
    yield* objects;
    if (page.IsTruncated !== 'true') return;
    from = nextPage(objects.at(-1)?.key, page.NextContinuationToken);
  }
}

/** By the last key: a page can then be asked for again at any time, and makers differ in how they encode their tokens. */
function nextPage(lastKey: string | undefined, token: string | undefined): Record<string, string> {
  if (lastKey !== undefined) return { 'start-after': lastKey };
  if (token) return { 'continuation-token': token };
  throw new S3Failure('list says that more follows, but not where', { status: 502 });
}

/** Aborts every unfinished upload below `fullPrefix`; returns how many. */
export async function abortUploadsBelow(client: S3Client, fullPrefix: string): Promise<number> {
  let aborted = 0;
  let from: Record<string, string> = {};
  for (;;) {
    const query = { uploads: '', 'encoding-type': 'url', prefix: fullPrefix, ...from };
    const page = await askList(client, { operation: `list uploads '${fullPrefix}'`, query });
    for (const { Key, UploadId } of page.Upload ?? []) {
      const fullKey = decodeKey(Key);
      await abortUpload(client, { key: fullKey, fullKey, uploadId: UploadId });
      aborted++;
    }
    if (page.IsTruncated !== 'true' || !page.NextKeyMarker) return aborted;
    from = { 'key-marker': decodeKey(page.NextKeyMarker), 'upload-id-marker': page.NextUploadIdMarker ?? '' };
  }
}

async function askList(
  client: S3Client,
  request: { operation: string; query: Record<string, string> },
): Promise<ListAnswer> {
  // Loaded here, because a worker that only writes should not spend 60 ms of CPU on it at its start.
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({
    parseTagValue: false,
    trimValues: false,
    ignoreDeclaration: true,
    processEntities: false,
    isArray: (tag) => LIST_TAGS.includes(tag),
  });
  return await client.send({ method: 'GET', ...request }, async (response) => {
    const answer = parser.parse(await response.text());
    const list = answer.ListBucketResult ?? answer.ListMultipartUploadsResult;
    if (typeof list !== 'object') throw new S3Failure('answer to a list is not one', { status: 502 });
    return list as ListAnswer;
  });
}

/** Form encoding, as S3 sends it (a plus is a space), within XML, for makers differ in what they encode which way. */
function decodeKey(encoded: string): string {
  return decodeURIComponent(decodeEntities(encoded).replaceAll('+', ' '));
}
