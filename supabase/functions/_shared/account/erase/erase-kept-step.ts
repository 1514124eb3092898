/** Kept rows whose time is over, erased by the keys that were noted when their person was. */

import { nameOf } from '../../postgres/erase-catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.ts';
import { textQuery } from '../../postgres/text-query.ts';
import type { JobStep } from '../../runs/job-row.ts';
import { beginErasing } from './begin-erasing.ts';
import type { EraseMeans } from './erase-means.ts';

/** One table of one erasure per transaction; a second call finds those that are left. */
export function eraseKeptStep({ sql }: Pick<EraseMeans, 'sql'>): JobStep {
  return async (hold) => {
    let erased = 0;
    while (await eraseOne(sql)) {
      erased += 1;
      await hold.save({ erased });
    }
    return { state: 'done', result: { erased } };
  };
}

/** False when none is due. */
async function eraseOne(sql: EraseMeans['sql']): Promise<boolean> {
  return await sql.begin(async (transaction) => {
    const query = textQuery(transaction);
    await beginErasing(query);
    const [due] = await transaction`
      select erasure_id, schema_name, table_name, key_columns, keys::text as keys from backup.erasure_kept
      where erased_at is null and keep_until <= pg_catalog.clock_timestamp()
      order by keep_until for update skip locked limit 1`;
    if (!due) return false;
    const table = { schema: due.schema_name as string, table: due.table_name as string };
    const match = (due.key_columns as string[]).map(
      (column, at) => `t.${quoteIdentifier(column)}::text = k.value ->> ${at}`,
    );
    const [there] = await query(`select to_regclass(${quoteLiteral(nameOf(table))}) is not null`);
    // A table that is gone has no rows of anybody.
    if (there![0] === 'true' || there![0] === 't')
      await query(
        `delete from ${nameOf(table)} as t using pg_catalog.jsonb_array_elements(${quoteLiteral(due.keys as string)}) as k
         where ${match.join(' and ')}`,
      );
    await transaction`
      update backup.erasure_kept set erased_at = pg_catalog.clock_timestamp(), keys = null
      where erasure_id = ${due.erasure_id} and schema_name = ${table.schema} and table_name = ${table.table}`;
    await transaction`
      insert into public.security_events_log (event_type, event_category, severity, event_data)
      values ('account_kept_rows_erased', 'data_access', 'high',
        ${transaction.json({ erasure_id: due.erasure_id, table: `${table.schema}.${table.table}` })})`;
    return true;
  });
}
