/** Kept rows whose time is over, erased by the keys that were noted when their person was. */

import type { JSONValue, TransactionSql } from 'postgres';
import { catalogueError } from '../../errors/driver-error.ts';
import { nameOf, readEraseCatalog } from '../../postgres/erase-catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.ts';
import { textQuery } from '../../postgres/text-query.ts';
import type { JobStep } from '../../runs/job-row.ts';
import { beginErasing } from './begin-erasing.ts';
import type { EraseMeans } from './erase-means.ts';
import { withoutRowTexts } from './without-row-texts.ts';

interface Due {
  readonly erasureId: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** A list of lists of texts, as JSON. */
  readonly keys: string;
}

/**
 * One table of one erasure per transaction; a second call finds those that are left. Rows that do not go keep their keys:
 * an alert says so, and they are tried again a day later.
 */
export function eraseKeptStep({ sql }: Pick<EraseMeans, 'sql'>): JobStep {
  return async (hold) => {
    const done = { erased: 0, stayed: 0 };
    for (let ended = await eraseOne(sql); ended !== null; ended = await eraseOne(sql)) {
      done[ended] += 1;
      await hold.save({ ...done });
    }
    return { state: 'done', result: { ...done } };
  };
}

/** Null when none is due. */
async function eraseOne(sql: EraseMeans['sql']): Promise<'erased' | 'stayed' | null> {
  return await sql.begin(async (transaction) => {
    await beginErasing(textQuery(transaction));
    const [due] = await transaction<Due[]>`
      select erasure_id as "erasureId", schema_name as schema, table_name as table, key_columns as columns, keys::text as keys
      from backup.erasure_kept
      where erased_at is null and keep_until <= pg_catalog.clock_timestamp()
        and (tried_at is null or tried_at <= pg_catalog.clock_timestamp() - interval '1 day')
      order by keep_until for update skip locked limit 1`;
    if (!due) return null;
    const because = await transaction.savepoint((inner) => eraseRows(inner, due)).catch(refusal);
    await (because === null ? forget(transaction, due) : tell(transaction, due, because));
    return because === null ? 'erased' : 'stayed';
  });
}

/** Null when none of them is there any more; otherwise why, in words for people. */
async function eraseRows(sql: TransactionSql, due: Due): Promise<string | null> {
  const query = textQuery(sql);
  const facts = (await readEraseCatalog(query)).find(due);
  if (facts === undefined) return 'there is no such table';
  const missing = due.columns.filter((column) => facts.columns[column] === undefined);
  if (missing.length > 0) return `the table has no column ${missing.join(', ')}, by which they were noted`;
  const name = nameOf(due);
  const keys = `pg_catalog.jsonb_array_elements(${quoteLiteral(due.keys)}) as k`;
  const match = (column: string) => `t.${quoteIdentifier(column)}::text = k.value ->> ${due.columns.indexOf(column)}`;
  await query(`delete from ${name} as t using ${keys} where ${due.columns.map(match).join(' and ')}`);
  // What a deferred constraint refuses must not fail at the commit, with the notes of this.
  await query('set constraints all immediate');
  // A trigger may have kept them, and columns that a key only includes were noted once, which may have changed since.
  const own = facts.key.length > 0 && facts.key.every((column) => due.columns.includes(column));
  const by = own ? facts.key : due.columns;
  const [left] = await query(
    `select count(*)::text from ${name} as t where exists (select from ${keys} where ${by.map(match).join(' and ')})`,
  );
  return left![0] === '0' ? null : `${left![0]} rows with their keys are still there`;
}

/** Throws what is not the database's refusal of this table's rows. */
function refusal(error: unknown): string {
  const known = catalogueError(withoutRowTexts(error));
  if (known.code !== 'QUERY_FAILED') throw error;
  return known.message;
}

async function forget(sql: TransactionSql, { erasureId, schema, table }: Due): Promise<void> {
  await sql`
    update backup.erasure_kept set erased_at = pg_catalog.clock_timestamp(), keys = null
    where erasure_id = ${erasureId} and schema_name = ${schema} and table_name = ${table}`;
  await sql`
    insert into public.security_events_log (event_type, event_category, severity, event_data)
    values ('account_kept_rows_erased', 'data_access', 'high',
      ${sql.json({ erasure_id: erasureId, table: `${schema}.${table}` } as JSONValue)})`;
}

async function tell(sql: TransactionSql, { erasureId, schema, table }: Due, because: string): Promise<void> {
  await sql`
    update backup.erasure_kept set tried_at = pg_catalog.clock_timestamp()
    where erasure_id = ${erasureId} and schema_name = ${schema} and table_name = ${table}`;
  const message = `rows of ${schema}.${table} that erasure ${erasureId} kept are not erased, and their time is over: ${because}`;
  await sql`
    select backup.announce('account_kept_rows_stay', 'high', ${message},
      ${sql.json({ erasure_id: erasureId, table: `${schema}.${table}` } as JSONValue)})`;
}
