/** How far a run is: per table what its plan expected against what its segments hold, and when it may end. */
import type { Sql } from 'postgres';

export interface TableProgress {
  readonly schema: string;
  readonly table: string;
  readonly estimated_bytes: number;
  readonly copied_bytes: number;
  readonly estimated_rows: number;
  readonly copied_rows: number;
  readonly slices_done: number;
  /** Grows when a slice proves too large and is cut in two. */
  readonly slices_total: number;
}

export interface RunProgress {
  readonly estimated_bytes: number;
  readonly copied_bytes: number;
  readonly copied_rows: number;
  readonly stored_bytes: number;
  /** Raw bytes a second since the first row was due; null before the first slice is stored. */
  readonly bytes_per_second: number | null;
  /** Null when the run has ended, or before there is a rate. */
  readonly estimated_end: string | null;
  readonly tables: TableProgress[];
}

export async function readRunProgress(sql: Sql, backupId: string, now: Date = new Date()): Promise<RunProgress> {
  const tables = await readTables(sql, backupId);
  const [sums] = await sql`
    select
      (select coalesce(sum(raw_bytes), 0) from backup.segment where backup_id = ${backupId} and kind = 'segment') as copied,
      (select coalesce(sum(row_count), 0) from backup.segment where backup_id = ${backupId} and kind = 'segment') as copied_rows,
      (select coalesce(sum(stored_bytes), 0) from backup.segment where backup_id = ${backupId}) as stored,
      (select min(created_at) from backup.task where backup_id = ${backupId} and kind = 'copy') as copy_began_at,
      (select max(created_at) from backup.segment where backup_id = ${backupId} and kind = 'segment') as copied_last_at,
      (select status = 'in_progress' from public.backup_log where backup_id = ${backupId}) as active,
      (select started_at from public.backup_log where backup_id = ${backupId}) as started_at`;
  const copied = Number(sums!.copied);
  const pace = estimatePace({
    copiedBytes: copied,
    remainingBytes: remainingBytes(tables),
    beganAt: (sums!.copy_began_at ?? sums!.started_at) as Date,
    until: sums!.active === true ? now : ((sums!.copied_last_at as Date | null) ?? now),
    active: sums!.active === true,
  });
  return {
    estimated_bytes: tables.reduce((sum, table) => sum + table.estimated_bytes, 0),
    copied_bytes: copied,
    copied_rows: Number(sums!.copied_rows),
    stored_bytes: Number(sums!.stored),
    ...pace,
    tables: tables.map(({ open_bytes: _, ...table }) => table),
  };
}

interface TableFacts extends TableProgress {
  /** What the slices still to be copied were expected to hold. */
  readonly open_bytes: number;
}

/** A table that is copied in one call has no tasks of its own: its planned slices are the total then. */
async function readTables(sql: Sql, backupId: string): Promise<TableFacts[]> {
  const rows = await sql`
    with open_slice as (
      select slice.value ->> 'schema' as schema_name, slice.value ->> 'name' as table_name, count(*) as slices,
             coalesce(sum((slice.value -> 'slice' ->> 'estimatedBytes')::numeric), 0) as bytes
      from backup.task t, jsonb_array_elements(t.payload -> 'slices') as slice
      where t.backup_id = ${backupId} and t.kind = 'copy' and t.state in ('pending', 'claimed')
      group by 1, 2
    ), stored as (
      select schema_name, table_name, count(*) as slices, sum(raw_bytes) as bytes, sum(row_count) as rows
      from backup.segment where backup_id = ${backupId} and kind = 'segment'
      group by 1, 2
    )
    select p.schema_name, p.table_name, p.estimated_bytes, p.estimated_rows, p.slices,
           coalesce(s.slices, 0) as done, coalesce(s.bytes, 0) as bytes, coalesce(s.rows, 0) as rows,
           coalesce(o.slices, 0) as open, coalesce(o.bytes, 0) as open_bytes
    from backup.run_table p
    left join stored s using (schema_name, table_name)
    left join open_slice o using (schema_name, table_name)
    where p.backup_id = ${backupId}
    order by p.schema_name collate "C", p.table_name collate "C"`;
  return rows.map((row) => ({
    schema: row.schema_name,
    table: row.table_name,
    estimated_bytes: Number(row.estimated_bytes),
    copied_bytes: Number(row.bytes),
    estimated_rows: Number(row.estimated_rows),
    copied_rows: Number(row.rows),
    slices_done: Number(row.done),
    slices_total: Math.max(Number(row.slices), Number(row.done) + Number(row.open)),
    open_bytes: Number(row.open_bytes),
  }));
}

/** What is left, corrected by how far the estimates were off so far. */
function remainingBytes(tables: readonly TableFacts[]): number {
  const sum = (of: (table: TableFacts) => number) => tables.reduce((total, table) => total + of(table), 0);
  const openBytes = sum((table) => table.open_bytes);
  const expectedSoFar = sum((table) => table.estimated_bytes) - openBytes;
  const copied = sum((table) => table.copied_bytes);
  return copied > 0 && expectedSoFar > 0 ? openBytes * (copied / expectedSoFar) : openBytes;
}

/** Pure. `beganAt` and `until` bound the time in which `copiedBytes` were copied. */
export function estimatePace(facts: {
  copiedBytes: number;
  remainingBytes: number;
  beganAt: Date;
  until: Date;
  active: boolean;
}): Pick<RunProgress, 'bytes_per_second' | 'estimated_end'> {
  const elapsedMs = facts.until.getTime() - facts.beganAt.getTime();
  if (facts.copiedBytes === 0 || elapsedMs <= 0) return { bytes_per_second: null, estimated_end: null };
  const bytesPerSecond = (facts.copiedBytes / elapsedMs) * 1000;
  const endMs = facts.until.getTime() + (facts.remainingBytes / bytesPerSecond) * 1000;
  return {
    bytes_per_second: Math.round(bytesPerSecond),
    estimated_end: facts.active ? new Date(endMs).toISOString() : null,
  };
}
