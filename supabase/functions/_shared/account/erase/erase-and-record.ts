import type { JSONValue, TransactionSql } from 'postgres';
import type { ErasureEntry } from '../../domain/erasure-entry.ts';
import { type Subject, subjectsOf } from '../../domain/subject.ts';
import { readEraseCatalog } from '../../postgres/erase-catalog.ts';
import { type ErasedRows, type EraseOutcome, eraseRows } from '../../postgres/erase-rows.ts';
import type { KeyEffect } from '../../postgres/erase-sets.ts';
import { textQuery } from '../../postgres/text-query.ts';
import { isAuthUsers } from './erased-tables.ts';
import type { ErasureOutcome } from './erasure-row.ts';

/**
 * Erases the person's rows and adds to the record what was done, in the transaction of the caller, who holds the row of the
 * erasure. Throws ERASURE_BLOCKED, ERASURE_INCOMPLETE, and the driver's errors.
 */
export async function eraseAndRecord(
  transaction: TransactionSql,
  { entry, subject }: { entry: ErasureEntry; subject: Subject },
): Promise<void> {
  const query = textQuery(transaction);
  const catalog = await readEraseCatalog(query);
  const { actions, erasure_id: erasureId } = entry;
  const subjects = subjectsOf(subject);
  const done = await eraseRows(query, { actions, subjects, catalog, erasureId, leave: isAuthUsers });
  await record(transaction, entry, done);
}

async function record(sql: TransactionSql, entry: ErasureEntry, { tables, effects }: EraseOutcome): Promise<void> {
  const [row] = await sql`select outcome from backup.erasure where erasure_id = ${entry.erasure_id}`;
  const before = row!.outcome as ErasureOutcome;
  const noted: ErasedRows[] = [];
  for (const table of tables) {
    noted.push(table.kept === null ? table : { ...table, rows: await noteKept(sql, entry, table) });
  }
  const outcome: ErasureOutcome = {
    tables: noted.map((table) => withEarlierRows(table, before.tables)),
    side_effects: withEarlierEffects(effects, before.side_effects),
  };
  await sql`
    update backup.erasure
    set rows_erased_at = coalesce(rows_erased_at, pg_catalog.clock_timestamp()),
        outcome = outcome || ${sql.json(outcome as JSONValue)}
    where erasure_id = ${entry.erasure_id}`;
}

/** Adds the keys to those of an earlier time, which may not be found any more; returns how many there are now. */
async function noteKept(
  sql: TransactionSql,
  entry: ErasureEntry,
  { schema, table, kept }: ErasedRows,
): Promise<number> {
  const { reason, until } = entry.actions.find((one) => one.schema === schema && one.table === table)!.keep!;
  const [row] = await sql`
    with all_keys as (
      select pg_catalog.jsonb_agg(u.key) as keys
      from (
        select pg_catalog.jsonb_array_elements(e.keys) from backup.erasure_kept e
        where e.erasure_id = ${entry.erasure_id} and e.schema_name = ${schema} and e.table_name = ${table}
        union
        select pg_catalog.jsonb_array_elements(${kept!.keys}::text::jsonb)
      ) as u (key)
    )
    insert into backup.erasure_kept (erasure_id, schema_name, table_name, key_columns, keys, row_count, reason, keep_until)
    select ${entry.erasure_id}, ${schema}, ${table}, ${[...kept!.columns]}::text[], a.keys,
           pg_catalog.jsonb_array_length(a.keys), ${reason}, ${until}
    from all_keys a
    on conflict (erasure_id, schema_name, table_name) do update
    set keys = excluded.keys, row_count = excluded.row_count, erased_at = null
    returning row_count::int as rows`;
  return row!.rows as number;
}

/** Deleted rows are others each time; those that stay may be the same ones. */
function withEarlierRows(
  { schema, table, action, rows }: ErasedRows,
  before: ErasureOutcome['tables'] = [],
): NonNullable<ErasureOutcome['tables']>[number] {
  const earlier = before.find((one) => one.schema === schema && one.table === table)?.rows ?? 0;
  return { schema, table, action, rows: action === 'delete' ? earlier + rows : Math.max(earlier, rows) };
}

function withEarlierEffects(
  effects: readonly KeyEffect[],
  before: NonNullable<ErasureOutcome['side_effects']> = [],
): ErasureOutcome['side_effects'] {
  const all = [...before];
  for (const { key, effect, rows } of effects) {
    const one = { schema: key.child.schema, table: key.child.table, constraint: key.name, effect, rows };
    const at = all.findIndex(
      (other) => other.schema === one.schema && other.table === one.table && other.constraint === one.constraint,
    );
    if (at < 0) all.push(one);
    else all[at] = { ...one, rows: all[at]!.rows + rows };
  }
  return all;
}
