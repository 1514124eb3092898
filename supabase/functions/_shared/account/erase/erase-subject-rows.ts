import type { JSONValue, TransactionSql } from 'postgres';
import type { ErasureEntry } from '../../domain/erasure-entry.ts';
import { type Subject, subjectsOf } from '../../domain/subject.ts';
import { readEraseCatalog } from '../../postgres/erase-catalog.ts';
import { type EraseOutcome, eraseRows } from '../../postgres/erase-rows.ts';
import { textQuery } from '../../postgres/text-query.ts';
import { beginErasing } from './begin-erasing.ts';
import type { EraseMeans } from './erase-means.ts';
import { isAuthUsers } from './erased-tables.ts';
import { withoutRowTexts } from './without-row-texts.ts';

/**
 * All rows of the person in one transaction, with the record that it was done; a second call does nothing. Throws
 * ERASURE_BLOCKED, ERASURE_INCOMPLETE, and the driver's errors; then nothing was erased.
 */
export async function eraseSubjectRows(
  { sql }: Pick<EraseMeans, 'sql'>,
  { entry, subject }: { entry: ErasureEntry; subject: Subject },
): Promise<void> {
  await sql
    .begin((transaction) => eraseIn(transaction, { entry, subject }))
    .catch((error: unknown) => {
      throw withoutRowTexts(error);
    });
}

async function eraseIn(
  transaction: TransactionSql,
  { entry, subject }: { entry: ErasureEntry; subject: Subject },
): Promise<void> {
  const query = textQuery(transaction);
  await beginErasing(query);
  const [open] = await transaction`
      select from backup.erasure
      where erasure_id = ${entry.erasure_id} and stored_at is not null and rows_erased_at is null for update`;
  if (!open) return;
  const catalog = await readEraseCatalog(query);
  const { actions, erasure_id: erasureId } = entry;
  const subjects = subjectsOf(subject);
  const outcome = await eraseRows(query, { actions, subjects, catalog, erasureId, leave: isAuthUsers });
  await record(transaction, entry, outcome);
}

async function record(sql: TransactionSql, entry: ErasureEntry, { tables, effects }: EraseOutcome): Promise<void> {
  for (const { schema, table, rows, kept } of tables) {
    if (kept === null) continue;
    const { reason, until } = entry.actions.find((one) => one.schema === schema && one.table === table)!.keep!;
    await sql`
      insert into backup.erasure_kept (erasure_id, schema_name, table_name, key_columns, keys, row_count, reason, keep_until)
      values (${entry.erasure_id}, ${schema}, ${table}, ${[...kept.columns]}::text[], ${kept.keys}::text::jsonb, ${rows},
              ${reason}, ${until})`;
  }
  const outcome = {
    tables: tables.map(({ kept: _, ...table }) => table),
    side_effects: effects.map(({ key, effect, rows }) => {
      return { schema: key.child.schema, table: key.child.table, constraint: key.name, effect, rows };
    }),
  };
  await sql`
    update backup.erasure
    set rows_erased_at = pg_catalog.clock_timestamp(), outcome = outcome || ${sql.json(outcome as JSONValue)}
    where erasure_id = ${entry.erasure_id}`;
}
