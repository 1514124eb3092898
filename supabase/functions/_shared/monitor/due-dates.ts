import type { Sql } from 'postgres';

export interface DueDate {
  readonly name: string;
  readonly dueAt: Date;
}

/**
 * What is open and when it is due, from a function of the schema backup that belongs to another part; null where that is
 * not installed. Its rows have `due_at`, and `id` or `kind` and `request_id`; read as JSON, so that other columns may come and go.
 */
export async function readDueDates(sql: Sql, functionName: string): Promise<DueDate[] | null> {
  const [there] = await sql`select to_regprocedure(${`backup.${functionName}()`}) is not null as present`;
  if (!there!.present) return null;
  const rows = await sql`
    select coalesce(to_jsonb(r) ->> 'id', concat_ws(' ', to_jsonb(r) ->> 'kind', to_jsonb(r) ->> 'request_id')) as name,
           (to_jsonb(r) ->> 'due_at')::timestamptz as due_at
    from ${sql(`backup.${functionName}`)}() as r
    where to_jsonb(r) ->> 'due_at' is not null
    order by 2`;
  return rows.map((row) => ({ name: row.name, dueAt: row.due_at }));
}
