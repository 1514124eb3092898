/**
 * Rows that the law wanted kept when their person was erased, and that a restore brought back: noted by their keys, as the
 * erasure did, for the day when their time is over.
 */
import { type EraseCatalog, nameOf } from '../postgres/erase-catalog.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import { subjectsFilter } from '../postgres/subject-filter.ts';
import type { TextQuery } from '../postgres/text-query.ts';
import type { ErasureBatch } from './erasure-batches.ts';
import { placeOf, type ReplayScope } from './erasure-targets.ts';

/** Of one person in one table of the target. */
export interface KeptRows {
  readonly erasureId: string;
  readonly schema: string;
  readonly table: string;
  /** The primary key; [] where the table has none here. */
  readonly columns: readonly string[];
  /** A list of lists of texts, as JSON. */
  readonly keys: string;
  readonly rows: number;
  readonly reason: string;
  /** ISO time. */
  readonly until: string;
}

const KEPT_TABLE = { schema: 'backup', table: 'erasure_kept' };

/** Before anything of the batch is erased: what leads to a person may go. Throws what the query throws. */
export async function findKeptRows(query: TextQuery, batch: ErasureBatch, scope: ReplayScope): Promise<KeptRows[]> {
  const found: KeptRows[] = [];
  for (const { schema, table, paths } of batch.actions.filter(({ action }) => action === 'keep')) {
    const name = nameOf({ schema, table });
    const columns = scope.catalog.find({ schema, table })?.key ?? [];
    const texts = columns.map((column) => `t.${quoteIdentifier(column)}::pg_catalog.text`);
    const [any] = await query(
      `select exists (select from ${name} as t where ${subjectsFilter(paths, 't', batch.subjects)})::text`,
    );
    if (any![0] !== 'true') continue;
    for (const { entry, subjects } of batch.people) {
      const [row] = await query(`
        select count(*)::text, coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(${texts.join(', ')})), '[]')::text
        from ${name} as t where ${subjectsFilter(paths, 't', subjects)}`);
      const rows = Number(row![0]);
      const keep = entry.actions.find((one) => nameOf(placeOf(one, scope)) === name)?.keep;
      if (rows === 0 || !keep) continue;
      found.push({ erasureId: entry.erasure_id, schema, table, columns, keys: row![1]!, rows, ...keep });
    }
  }
  return found;
}

/**
 * After the ledger was taken over, whose entries these refer to. Keys that are noted already stay noted. Returns what could
 * not be noted, in words for people. Throws what the query throws.
 */
export async function noteKeptRows(
  query: TextQuery,
  kept: readonly KeptRows[],
  catalog: EraseCatalog,
): Promise<string[]> {
  const lost: string[] = [];
  const hasPlace = catalog.find(KEPT_TABLE) !== undefined;
  for (const one of kept) {
    const because = !hasPlace
      ? 'it has no table backup.erasure_kept'
      : one.columns.length === 0
        ? 'the table has no primary key'
        : (await note(query, one))
          ? null
          : 'other key columns are noted for them';
    if (because === null) continue;
    lost.push(
      `${one.schema}.${one.table}: ${one.rows} rows of erasure ${one.erasureId} are kept until ${one.until.slice(0, 10)}, and this database will not erase them then, because ${because}`,
    );
  }
  return lost;
}

/** False when keys of other columns are there, which no key of these can be added to. */
async function note(query: TextQuery, { columns, rows: _, ...one }: KeptRows): Promise<boolean> {
  const [id, schema, table] = [one.erasureId, one.schema, one.table].map(quoteLiteral);
  const noted = await query(`
    with all_keys as (
      select pg_catalog.jsonb_agg(u.key) as keys
      from (
        select pg_catalog.jsonb_array_elements(e.keys) from ${nameOf(KEPT_TABLE)} as e
        where e.erasure_id = ${id} and e.schema_name = ${schema} and e.table_name = ${table}
        union
        select pg_catalog.jsonb_array_elements(${quoteLiteral(one.keys)}::jsonb)
      ) as u (key)
    )
    insert into ${nameOf(KEPT_TABLE)} as k
      (erasure_id, schema_name, table_name, key_columns, keys, row_count, reason, keep_until)
    select ${id}, ${schema}, ${table}, array[${columns.map(quoteLiteral).join(', ')}]::text[], a.keys,
      pg_catalog.jsonb_array_length(a.keys), ${quoteLiteral(one.reason)}, ${quoteLiteral(one.until)}
    from all_keys as a
    on conflict (erasure_id, schema_name, table_name) do update
    set keys = excluded.keys, row_count = excluded.row_count, erased_at = null
    where k.key_columns = excluded.key_columns
    returning 1::text`);
  return noted.length > 0;
}
