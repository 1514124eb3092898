/**
 * POST and PUT /object/…: one object, whole. A new version gets a new file; the row's id, created_at and owner survive
 * an overwrite, its metadata, user_metadata and version do not (user_metadata becomes {} without x-metadata).
 */
import { randomUUID } from 'node:crypto';
import type { StorageCall } from './storage-api.ts';
import { STORAGE_FAILURES } from './storage-error.ts';
import type { StoredFile } from './storage-files.ts';

interface BucketRow {
  readonly file_size_limit: string | null;
  readonly allowed_mime_types: string[] | null;
}

interface UploadBody {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly contentType: string;
  readonly cacheControl: string;
  readonly userMetadata: Record<string, unknown>;
}

interface Target {
  readonly bucketId: string;
  readonly name: string;
  readonly overwrite: boolean;
}

/** Answers `{Key, Id}`. */
export async function uploadObject(call: StorageCall, target: Target): Promise<{ Key: string; Id: string }> {
  if (!isValidKey(target.name)) throw STORAGE_FAILURES.keyInvalid(target.name);
  const bucket = await findBucket(call, target.bucketId);
  const body = await readBody(call.request);
  checkMimeType(bucket, body.contentType);
  const { bucketId, name } = target;
  const version = randomUUID();
  const maxBytes = bucket.file_size_limit === null ? undefined : Number(bucket.file_size_limit);
  // The permission is asked for before the first byte is kept, and again by the write that counts.
  await writeRow(call, target, { version, metadata: {}, userMetadata: {}, rehearse: true });
  const file = await call.files.write({ bucketId, name, version }, body.bytes, { maxBytes }).catch((error) => {
    throw error instanceof RangeError ? STORAGE_FAILURES.tooLarge() : error;
  });
  try {
    const metadata = objectMetadata(file, body);
    const { id, oldVersion } = await writeRow(call, target, { version, metadata, userMetadata: body.userMetadata });
    if (oldVersion !== undefined) await call.files.delete({ bucketId, name, version: oldVersion });
    return { Key: `${bucketId}/${name}`, Id: id };
  } catch (error) {
    await call.files.delete({ bucketId, name, version });
    throw error;
  }
}

/** The Storage server's characters, in all scripts; `.` and `..` as segments are refused on top of it. */
function isValidKey(name: string): boolean {
  const segments = name.split('/');
  return /^[\p{L}\p{M}\p{N}_/!\-.*'() &$@=;:+,?]+$/u.test(name) && !segments.includes('..') && !segments.includes('.');
}

/** Undoes a rehearsal of the write. */
class Rehearsed extends Error {}

async function writeRow(
  call: StorageCall,
  { bucketId, name, overwrite }: Target,
  values: { version: string; metadata: object; userMetadata: object; rehearse?: boolean },
): Promise<{ id: string; oldVersion: string | null | undefined }> {
  const owner = call.caller.claims.sub ?? null;
  const { version } = values;
  let oldVersion: string | null | undefined;
  const write = call.asCaller(async (sql) => {
    const [old] = await sql`select version from storage.objects where bucket_id = ${bucketId} and name = ${name}`;
    oldVersion = old?.version;
    const metadata = sql.json(values.metadata as never);
    const userMetadata = sql.json(values.userMetadata as never);
    const onConflict = overwrite
      ? sql`on conflict (bucket_id, name) do update set version = excluded.version, metadata = excluded.metadata,
          user_metadata = excluded.user_metadata, owner = coalesce(excluded.owner, o.owner),
          owner_id = coalesce(excluded.owner_id, o.owner_id)`
      : sql``;
    const [row] = await sql`
      insert into storage.objects as o (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
      values (${bucketId}, ${name}, ${owner}, ${owner}, ${version}, ${metadata}, ${userMetadata}) ${onConflict} returning id`;
    if (values.rehearse) throw new Rehearsed();
    return row?.id as string;
  });
  const id = await write.catch((error) => {
    if (error instanceof Rehearsed) return '';
    throw error;
  });
  return { id, oldVersion };
}

async function findBucket(call: StorageCall, bucketId: string): Promise<BucketRow> {
  const [bucket] = await call.asServer(
    (sql) => sql<BucketRow[]>`select file_size_limit, allowed_mime_types from storage.buckets where id = ${bucketId}`,
  );
  if (!bucket) throw STORAGE_FAILURES.bucketMissing();
  return bucket;
}

function checkMimeType({ allowed_mime_types: allowed }: BucketRow, contentType: string): void {
  const type = contentType.split(';')[0]?.trim() ?? '';
  const matches = (pattern: string) =>
    pattern === type || (pattern.endsWith('/*') && type.startsWith(pattern.slice(0, -1)));
  if (allowed && allowed.length > 0 && !allowed.includes('*/*') && !allowed.some(matches)) {
    throw STORAGE_FAILURES.mimeTypeRefused(type);
  }
}

function objectMetadata(file: StoredFile, body: UploadBody) {
  return {
    eTag: `"${file.md5}"`,
    size: file.sizeBytes,
    mimetype: body.contentType,
    cacheControl: body.cacheControl,
    lastModified: new Date().toISOString(),
    contentLength: file.sizeBytes,
    httpStatusCode: 200,
  };
}

/** Raw bytes with headers, or the form that browsers send. */
async function readBody(request: Request): Promise<UploadBody> {
  const contentType = request.headers.get('content-type') ?? 'application/octet-stream';
  if (!contentType.startsWith('multipart/form-data')) {
    const metadata = request.headers.get('x-metadata');
    return {
      bytes: (request.body ?? new Blob([]).stream()) as unknown as AsyncIterable<Uint8Array>,
      contentType,
      cacheControl: request.headers.get('cache-control') ?? 'no-cache',
      userMetadata: parseMetadata(metadata === null ? '{}' : new TextDecoder().decode(fromBase64(metadata))),
    };
  }
  const form = await request.formData();
  const file = [...form.values()].find((value): value is File => value instanceof File);
  if (!file) throw STORAGE_FAILURES.requestInvalid('the form has no file');
  const cacheControl = form.get('cacheControl');
  return {
    bytes: file.stream() as unknown as AsyncIterable<Uint8Array>,
    contentType: file.type || 'application/octet-stream',
    cacheControl: cacheControl ? `max-age=${cacheControl}` : 'no-cache',
    userMetadata: parseMetadata(String(form.get('metadata') ?? '{}')),
  };
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw STORAGE_FAILURES.requestInvalid('x-metadata is not base64');
  }
}

function parseMetadata(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    throw STORAGE_FAILURES.requestInvalid('the metadata is not JSON');
  }
}
