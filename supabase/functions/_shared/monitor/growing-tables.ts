import type { Sql } from 'postgres';
import { byteWords } from '../domain/byte-words.ts';
import type { CheckItem } from './contracts.ts';

const MOST = 5;

/**
 * The tables that grew most, in bytes of data, from the oldest full backup of a time to the newest: those that made at
 * least a twentieth of all growth. Holdfast's own schema is not among them.
 */
export async function growingTables(
  sql: Sql,
  { from, until }: { readonly from: Date; readonly until: Date },
): Promise<CheckItem[]> {
  const rows = await sql`
    with backup as (
      select backup_id, row_number() over (order by started_at) as old, row_number() over (order by started_at desc) as new
      from public.backup_log l
      where status in ('completed', 'completed_with_limits') and folder is not null
        and coalesce(request ->> 'scope', 'full') = 'full' and not request ? 'where'
        and to_jsonb(l) ->> 'deleted_at' is null
        and started_at > ${from} and started_at <= ${until}
    ),
    measured as (
      select s.schema_name || '.' || s.table_name as name,
             coalesce(sum(s.raw_bytes) filter (where b.old = 1), 0)::float8 as before,
             coalesce(sum(s.raw_bytes) filter (where b.new = 1), 0)::float8 as after
      from backup b join backup.segment s on s.backup_id = b.backup_id and s.kind = 'segment'
      where (b.old = 1 or b.new = 1) and s.schema_name <> 'backup'
      group by 1
    )
    select name, before, after
    from (select *, sum(after - before) over () as growth from measured where after > before) as grown
    where after - before >= growth / 20 order by after - before desc, name limit ${MOST}`;
  return rows.map((row) => ({
    name: row.name,
    state: 'unhealthy',
    value: null,
    threshold: null,
    detail: `grew from ${byteWords(row.before)} to ${byteWords(row.after)} of data`,
  }));
}
