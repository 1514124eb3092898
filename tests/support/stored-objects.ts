import assert from 'node:assert/strict';
import type postgres from 'postgres';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';

/** The folder holds what the manifest lists, the manifest and its signature, and nothing else. */
export async function assertNoOrphans(sql: postgres.Sql, store: Store, backupId: string): Promise<void> {
  const [run] = await sql`select folder, status from public.backup_log where backup_id = ${backupId}`;
  const found: string[] = [];
  for await (const object of store.list(`${run!.folder}/`)) found.push(object.key.slice(run!.folder.length + 1));
  const kept = run!.status.startsWith('completed');
  const listed = kept ? await sql`select path from backup.segment where backup_id = ${backupId}` : [];
  assert.deepEqual(found.sort(), listed.map((row) => row.path as string).sort());
  assert.equal(await store.abortUploads(`${run!.folder}/`), 0, 'no unfinished uploads');
}

/** Every table's rows are in its segments exactly once, counted by the database itself. */
export async function assertAllRows(sql: postgres.Sql, backupId: string, tables: string[]): Promise<void> {
  for (const table of tables) {
    const [schema, name] = table.split('.') as [string, string];
    const [stored] = await sql`
      select coalesce(sum(row_count), 0)::int as rows from backup.segment
      where backup_id = ${backupId} and schema_name = ${schema} and table_name = ${name}`;
    const [real] = await sql`select count(*)::int as rows from ${sql(schema)}.${sql(name)}`;
    assert.equal(stored!.rows, real!.rows, `rows of ${table}`);
  }
}
