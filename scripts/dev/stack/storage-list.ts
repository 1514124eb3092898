/** POST /object/list/{bucket}: one level of folders, as the Storage server shows it. */
import { z } from 'zod';
import type { StorageCall } from './storage-api.ts';
import { STORAGE_FAILURES } from './storage-error.ts';

const LIST_REQUEST = z.object({
  prefix: z.string().default(''),
  limit: z.int().min(1).default(100),
  offset: z.int().min(0).default(0),
  search: z.string().default(''),
  sortBy: z
    .object({
      column: z.enum(['name', 'updated_at', 'created_at', 'last_accessed_at']).default('name'),
      order: z.enum(['asc', 'desc']).default('asc'),
    })
    .prefault({}),
});

/** Files with all their fields; folders as entries of which only the name is not null. */
export async function listObjects(call: StorageCall, bucketId: string) {
  const parsed = LIST_REQUEST.safeParse(await call.request.json().catch(() => undefined));
  if (!parsed.success) throw STORAGE_FAILURES.requestInvalid(z.prettifyError(parsed.error));
  const { limit, offset, search, sortBy } = parsed.data;
  const prefix = parsed.data.prefix === '' ? '' : `${parsed.data.prefix.replace(/\/+$/, '')}/`;
  return call.asCaller(
    (sql) => sql`
      with visible as (
        select o.*, substr(o.name, length(${prefix}) + 1) as rest from storage.objects o
        where o.bucket_id = ${bucketId} and starts_with(o.name, ${prefix})
      ), entry as (
        select split_part(rest, '/', 1) as name, null::uuid as id, null::timestamptz as updated_at,
          null::timestamptz as created_at, null::timestamptz as last_accessed_at, null::jsonb as metadata
        from visible where strpos(rest, '/') > 0 group by 1
        union all
        select rest, id, updated_at, created_at, last_accessed_at, metadata
        from visible where strpos(rest, '/') = 0 and rest <> ''
      )
      select * from entry where starts_with(lower(name), lower(${search}))
      order by id is not null, ${sql(sortBy.column)} ${sortBy.order === 'asc' ? sql`asc` : sql`desc`}, name
      limit ${limit} offset ${offset}`,
  );
}
