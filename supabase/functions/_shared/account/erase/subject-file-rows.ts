/** The Storage files of a person: how many there are, and in which buckets a folder counts. */
import type { Sql } from 'postgres';
import type { Subject } from '../../domain/subject.ts';
import type { Sql as DriverSql } from '../../postgres/open-driver.ts';
import { listSubjectFiles, type SubjectFile } from '../list-subject-files.ts';

const PAGE = 1000;

/** Buckets in which a first folder named for the user makes files theirs; [] where Storage is not installed. */
export async function readFolderBuckets(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select b.name as bucket
    from backup.setting s cross join lateral pg_catalog.jsonb_array_elements_text(s.value) as b(name)
    where s.name = 'subject_file_folders' and pg_catalog.jsonb_typeof(s.value) = 'array'
    order by b.name collate "C"`;
  return rows.map((row) => row.bucket as string);
}

/** One page of the files that are there now; [] where there is none, or no Storage. */
export async function nextFiles(sql: Sql, subject: Subject, after: SubjectFile | null): Promise<SubjectFile[]> {
  const [row] = await sql`select pg_catalog.to_regclass('storage.objects') is not null as there`;
  if (row!.there !== true) return [];
  return await listSubjectFiles(sql as unknown as DriverSql, subject, { after, limit: PAGE });
}

export async function countFiles(sql: Sql, subject: Subject): Promise<{ count: number; bytes: number }> {
  let [count, bytes] = [0, 0];
  for (let after: SubjectFile | null = null; ; ) {
    const page = await nextFiles(sql, subject, after);
    count += page.length;
    bytes += page.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);
    if (page.length < PAGE) return { count, bytes };
    after = page.at(-1)!;
  }
}
