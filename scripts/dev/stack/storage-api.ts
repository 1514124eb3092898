/**
 * The Storage server's HTTP interface, as far as backups, restores and exports use it. Mounted at /storage/v1.
 * Every query about rows runs as the caller's role with the caller's claims, so row security decides.
 */
import { type Context, Hono } from 'hono';
import type postgres from 'postgres';
import { type Caller, identify } from './api-identity.ts';
import type { ApiKeys } from './api-keys.ts';
import { downloadObject } from './storage-download.ts';
import { STORAGE_FAILURES, StorageFailure } from './storage-error.ts';
import type { StorageFiles } from './storage-files.ts';
import { listObjects } from './storage-list.ts';
import { uploadObject } from './storage-upload.ts';

export interface StorageApiOptions {
  /** Superuser connection to the project's database. */
  readonly sql: postgres.Sql;
  readonly keys: ApiKeys;
  readonly files: StorageFiles;
}

/** What the handlers work with: one database transaction as the caller. */
export interface StorageCall {
  readonly caller: Caller;
  readonly request: Request;
  readonly files: StorageFiles;
  asCaller<T>(work: (sql: postgres.TransactionSql) => Promise<T>): Promise<T>;
  /** As the server itself, past row security: for public buckets. */
  asServer<T>(work: (sql: postgres.TransactionSql) => Promise<T>): Promise<T>;
}

interface ObjectAddress {
  readonly bucketId: string;
  readonly name: string;
}

const OBJECT_DELETE_ALLOWED = 'storage.allow_delete_query';

export function storageApi(options: StorageApiOptions): Hono {
  const app = new Hono().basePath('/storage/v1');
  const open = async (context: Context): Promise<StorageCall> => {
    const caller = await identify(context.req.raw.headers, options.keys).catch((error: Error) => {
      throw STORAGE_FAILURES.jwtInvalid(error.message);
    });
    return {
      caller,
      request: context.req.raw,
      files: options.files,
      asCaller: (work) => inTransaction(options.sql, caller, work),
      asServer: (work) => options.sql.begin(work) as Promise<never>,
    };
  };
  const at = (context: Context, prefix: string) => objectAddress(context.req.raw.url, `/storage/v1/object/${prefix}`);

  app.get('/bucket', async (context) => context.json(await listBuckets(await open(context))));
  app.get('/bucket/:id', async (context) =>
    context.json(await findBucket(await open(context), context.req.param('id'))),
  );
  app.post('/object/list/:bucket', async (context) =>
    context.json(await listObjects(await open(context), context.req.param('bucket'))),
  );
  for (const prefix of ['authenticated/', 'public/', '']) {
    app.get(`/object/${prefix}*`, async (context) =>
      downloadObject(await open(context), { ...at(context, prefix), isPublic: prefix === 'public/' }),
    );
  }
  app.post('/object/*', async (context) => {
    const overwrite = context.req.header('x-upsert') === 'true';
    return context.json(await uploadObject(await open(context), { ...at(context, ''), overwrite }));
  });
  app.put('/object/*', async (context) =>
    context.json(await uploadObject(await open(context), { ...at(context, ''), overwrite: true })),
  );
  app.delete('/object/:bucket', async (context) => {
    const body = (await context.req.json().catch(() => ({}))) as { prefixes?: unknown };
    if (!Array.isArray(body.prefixes))
      throw STORAGE_FAILURES.requestInvalid("body must have required property 'prefixes'");
    const bucketId = context.req.param('bucket');
    return context.json(await deleteObjects(await open(context), { bucketId, names: body.prefixes.map(String) }));
  });
  app.delete('/object/*', async (context) => {
    const { bucketId, name } = at(context, '');
    const deleted = await deleteObjects(await open(context), { bucketId, names: [name] });
    if (deleted.length === 0) throw STORAGE_FAILURES.objectMissing();
    return context.json({ message: 'Successfully deleted' });
  });
  app.notFound(() => new StorageFailure(404, 'Not Found', 'Route not found').toResponse());
  app.onError((error) => storageError(error));
  return app;
}

function inTransaction<T>(
  sql: postgres.Sql,
  caller: Caller,
  work: (sql: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  return sql.begin(async (transaction) => {
    const claims = JSON.stringify(caller.claims);
    await transaction`select
      pg_catalog.set_config('role', ${caller.role}, true),
      pg_catalog.set_config('request.jwt.claims', ${claims}, true),
      pg_catalog.set_config('search_path', 'storage, public', true)`;
    return work(transaction);
  }) as Promise<T>;
}

function listBuckets(call: StorageCall): Promise<postgres.Row[]> {
  return call.asCaller((sql) => sql`select * from storage.buckets order by id`);
}

async function findBucket(call: StorageCall, id: string): Promise<postgres.Row> {
  const [bucket] = await call.asCaller((sql) => sql`select * from storage.buckets where id = ${id}`);
  if (!bucket) throw STORAGE_FAILURES.bucketMissing();
  return bucket;
}

/** Row first, file after the commit: a file without a row is litter, a row without a file is damage. */
async function deleteObjects(
  call: StorageCall,
  { bucketId, names }: { bucketId: string; names: string[] },
): Promise<postgres.Row[]> {
  if (names.length === 0) return [];
  const deleted = await call.asCaller(async (sql) => {
    await sql`select pg_catalog.set_config(${OBJECT_DELETE_ALLOWED}, 'true', true)`;
    return sql`delete from storage.objects where bucket_id = ${bucketId} and name in ${sql(names)} returning *`;
  });
  for (const row of deleted) await call.files.delete({ bucketId, name: row.name, version: row.version });
  return deleted;
}

/** The first segment is the bucket, all that follows the name. Throws InvalidKey. */
function objectAddress(url: string, prefix: string): ObjectAddress {
  const path = new URL(url).pathname.slice(prefix.length);
  const slash = path.indexOf('/');
  try {
    const bucketId = decodeURIComponent(slash === -1 ? path : path.slice(0, slash));
    const name = slash === -1 ? '' : decodeURIComponent(path.slice(slash + 1));
    if (bucketId && name) return { bucketId, name };
  } catch {
    // A broken percent-encoding is an invalid key like any other.
  }
  throw STORAGE_FAILURES.keyInvalid(path);
}

function storageError(error: Error): Response {
  if (error instanceof StorageFailure) return error.toResponse();
  const { code, message } = error as { code?: string; message: string };
  if (code === '42501') return STORAGE_FAILURES.denied(message).toResponse();
  if (code === '23503') return STORAGE_FAILURES.bucketMissing().toResponse();
  if (code === '23505') return STORAGE_FAILURES.duplicate().toResponse();
  return new StorageFailure(500, 'Internal', message).toResponse();
}
