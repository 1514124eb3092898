/** Rows that came in after the person's rows were erased: an access token lives on for up to an hour after the sign-out. */
import type { ErasedTable, ErasureEntry } from '../../domain/erasure-entry.ts';
import { type Subject, type Subjects, subjectsOf } from '../../domain/subject.ts';
import { type EraseCatalog, nameOf, readEraseCatalog } from '../../postgres/erase-catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.ts';
import { notYetWritten } from '../../postgres/not-yet-written.ts';
import { subjectsFilter } from '../../postgres/subject-filter.ts';
import { type TextQuery, textQuery } from '../../postgres/text-query.ts';
import { beginErasing } from './begin-erasing.ts';
import { eraseAndRecord } from './erase-and-record.ts';
import type { EraseMeans } from './erase-means.ts';
import { isAuthUsers } from './erased-tables.ts';
import { withoutRowTexts } from './without-row-texts.ts';

/**
 * Erases them as the others, in one transaction; true when there were any. May be called at any time and again. Throws
 * ERASURE_BLOCKED, ERASURE_INCOMPLETE, and the driver's errors; then nothing was erased.
 */
export async function eraseLateRows(
  { sql }: Pick<EraseMeans, 'sql'>,
  { entry, subject }: { entry: ErasureEntry; subject: Subject },
): Promise<boolean> {
  return await sql
    .begin(async (transaction) => {
      const query = textQuery(transaction);
      await beginErasing(query);
      const [open] = await transaction`
        select from backup.erasure
        where erasure_id = ${entry.erasure_id} and state = 'executing' and rows_erased_at is not null for update`;
      const late = open !== undefined && (await hasLateRows(query, { entry, subjects: subjectsOf(subject) }));
      if (late) await eraseAndRecord(transaction, { entry, subject });
      return late;
    })
    .catch((error: unknown) => {
      throw withoutRowTexts(error);
    });
}

interface Looked {
  readonly entry: ErasureEntry;
  readonly subjects: Subjects;
}

async function hasLateRows(query: TextQuery, { entry, subjects }: Looked): Promise<boolean> {
  const catalog = await readEraseCatalog(query);
  for (const table of entry.actions) {
    // A table that is gone has no rows of anybody.
    if (isAuthUsers(table) || catalog.find(table) === undefined) continue;
    const [row] = await query(
      `select exists (select from ${nameOf(table)} as t
         where ${subjectsFilter(table.paths, 't', subjects)} and ${isLate(table, { entry, subjects, catalog })})::text`,
    );
    if (row![0] === 'true') return true;
  }
  return false;
}

/** A condition on `t`, one of the person's rows: those that stay are told from new ones. */
function isLate(table: ErasedTable, { entry, subjects, catalog }: Looked & { catalog: EraseCatalog }): string {
  if (table.action === 'delete') return 'true';
  if (table.action === 'anonymise') return notYetWritten(table, { subjects, erasureId: entry.erasure_id });
  const key = (catalog.find(table)?.key ?? []).map((column) => `t.${quoteIdentifier(column)}::text`);
  return `pg_catalog.jsonb_build_array(${key.join(', ')}) not in (
    select pg_catalog.jsonb_array_elements(e.keys) from backup.erasure_kept as e
    where e.erasure_id = ${quoteLiteral(entry.erasure_id)} and e.schema_name = ${quoteLiteral(table.schema)}
      and e.table_name = ${quoteLiteral(table.table)})`;
}
