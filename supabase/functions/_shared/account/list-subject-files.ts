/** The Storage files that are a user's: those they uploaded, and those that lie in a folder named for them. */
import type { Subject } from '../domain/subject.ts';
import type { Sql } from '../postgres/open-driver.ts';

export interface SubjectFile {
  readonly bucket: string;
  /** The path in the bucket. */
  readonly name: string;
  /** As Storage recorded it; null when it did not. */
  readonly sizeBytes: number | null;
  readonly mimetype: string | null;
  /** Names the stored bytes: another upload has another. */
  readonly version: string | null;
}

/** Go on after this file. */
export interface SubjectFileCursor {
  readonly bucket: string;
  readonly name: string;
}

export interface ListFilesOptions {
  readonly after?: SubjectFileCursor | null;
  /** At most so many; default 500. */
  readonly limit?: number;
}

const PAGE = 500;
const SETTING = 'subject_file_folders';

/**
 * One page, ordered by bucket and name, byte for byte; an empty one is the end. By owner_id or owner; in the buckets that
 * the setting `subject_file_folders` lists (a JSON array of names, or `["*"]` for all) also by a first folder that is
 * the user's id. Throws the driver's errors.
 */
export async function listSubjectFiles(
  sql: Sql,
  subject: Subject,
  { after = null, limit = PAGE }: ListFilesOptions = {},
): Promise<SubjectFile[]> {
  const id = subject.id.toLowerCase();
  const page = await sql<SubjectFile[]>`
    with folder_bucket as (
      select pg_catalog.jsonb_array_elements_text(value) as name from backup.setting
      where name = ${SETTING} and pg_catalog.jsonb_typeof(value) = 'array'
    )
    select o.bucket_id as bucket, o.name, o.version, o.metadata ->> 'mimetype' as mimetype,
      case when o.metadata ->> 'size' ~ '^[0-9]{1,15}$' then (o.metadata ->> 'size')::bigint end as "sizeBytes"
    from storage.objects o
    where o.bucket_id is not null and o.name is not null
      and (pg_catalog.lower(o.owner_id) = ${id} or o.owner = ${id}::uuid
        or (pg_catalog.lower(pg_catalog.split_part(o.name, '/', 1)) = ${id} and pg_catalog.strpos(o.name, '/') > 0
          and exists (select from folder_bucket f where f.name in (o.bucket_id, '*'))))
      ${after === null ? sql`` : sql`and (o.bucket_id collate "C", o.name collate "C") > (${after.bucket}, ${after.name})`}
    order by o.bucket_id collate "C", o.name collate "C"
    limit ${limit}`;
  return [...page];
}
