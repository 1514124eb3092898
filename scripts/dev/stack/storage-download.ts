/** GET /object/…: the bytes of one object, whole or one range. */
import type { StorageCall } from './storage-api.ts';
import { STORAGE_FAILURES } from './storage-error.ts';

interface DownloadRow {
  readonly version: string | null;
  readonly metadata: { mimetype?: string; cacheControl?: string; eTag?: string } | null;
  readonly updated_at: Date;
}

export async function downloadObject(
  call: StorageCall,
  { bucketId, name, isPublic }: { bucketId: string; name: string; isPublic: boolean },
): Promise<Response> {
  const run = isPublic ? call.asServer : call.asCaller;
  const [row] = await run(
    (sql) => sql<DownloadRow[]>`
      select o.version, o.metadata, o.updated_at from storage.objects o
      ${isPublic ? sql`join storage.buckets b on b.id = o.bucket_id and b.public` : sql``}
      where o.bucket_id = ${bucketId} and o.name = ${name}`,
  );
  if (!row) throw STORAGE_FAILURES.objectMissing();
  const key = { bucketId, name, version: row.version };
  const sizeBytes = await call.files.sizeBytes(key);
  if (sizeBytes === undefined) throw STORAGE_FAILURES.objectMissing();
  const asked = requestedRange(call.request.headers.get('range'), sizeBytes);
  const range = asked ?? { start: 0, end: sizeBytes - 1 };
  const headers = {
    'content-type': row.metadata?.mimetype ?? 'application/octet-stream',
    'content-length': String(range.end - range.start + 1),
    'accept-ranges': 'bytes',
    'cache-control': row.metadata?.cacheControl ?? 'no-cache',
    'last-modified': row.updated_at.toUTCString(),
    ...(row.metadata?.eTag ? { etag: row.metadata.eTag } : {}),
    ...(asked ? { 'content-range': `bytes ${range.start}-${range.end}/${sizeBytes}` } : {}),
  };
  const body = call.request.method === 'HEAD' ? null : call.files.read(key, range);
  return new Response(body, { status: asked ? 206 : 200, headers });
}

/** One range of bytes, as S3 serves it; several, or other units, are answered with the whole. */
function requestedRange(header: string | null, sizeBytes: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const suffix = match[1] === '';
  const start = suffix ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1]);
  const end = suffix || match[2] === '' ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1);
  if (start > end) throw STORAGE_FAILURES.rangeInvalid();
  return { start, end };
}
