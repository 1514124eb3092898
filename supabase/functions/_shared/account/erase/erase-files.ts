import type { JSONValue } from 'postgres';
import type { Subject } from '../../domain/subject.ts';
import { ERRORS } from '../../errors.ts';
import type { SubjectFile } from '../list-subject-files.ts';
import type { EraseMeans } from './erase-means.ts';
import type { ErasureRow } from './erasure-row.ts';
import { deleteStorageFiles } from './platform-api.ts';
import { nextFiles } from './subject-file-rows.ts';

/**
 * Deletes the person's files until none is listed, or `isOver()` says that the slice has no time left; true when none is
 * left. What a killed call deleted is not listed again. Throws PLATFORM_API_FAILED when files stay that were deleted.
 */
export async function eraseFiles(
  means: EraseMeans,
  { row, subject }: { row: ErasureRow; subject: Subject },
  isOver: () => boolean,
): Promise<boolean> {
  const done = { count: row.outcome.files?.count ?? 0, bytes: row.outcome.files?.bytes ?? 0 };
  for (let before = ''; ; ) {
    const page = await nextFiles(means.sql, subject, null);
    if (page.length === 0) return await markErased(means, row);
    const first = JSON.stringify(page[0]);
    if (first === before)
      throw ERRORS.PLATFORM_API_FAILED('the Storage server says that it deleted files, and still lists them');
    before = first;
    for (const [bucket, files] of byBucket(page)) {
      await deleteStorageFiles(means, { bucket, names: files.map(({ name }) => name) });
      done.count += files.length;
      done.bytes += files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
      await means.sql`
        update backup.erasure set outcome = outcome || ${means.sql.json({ files: done } as JSONValue)}
        where erasure_id = ${row.erasure_id}`;
    }
    if (isOver()) return false;
  }
}

async function markErased({ sql }: EraseMeans, row: ErasureRow): Promise<true> {
  await sql`
    update backup.erasure set files_erased_at = pg_catalog.clock_timestamp()
    where erasure_id = ${row.erasure_id} and files_erased_at is null`;
  return true;
}

function byBucket(files: readonly SubjectFile[]): Map<string, SubjectFile[]> {
  const buckets = new Map<string, SubjectFile[]>();
  for (const file of files) buckets.set(file.bucket, [...(buckets.get(file.bucket) ?? []), file]);
  return buckets;
}
