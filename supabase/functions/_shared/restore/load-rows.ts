/** Rows of one stored object into a table, by COPY: never parsed for the formats copy and csv. */
import type { FormatName } from '../domain/formats.ts';
import { copyText } from '../postgres/copy-text.ts';
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import type { LeftOutKind } from './left-out-rows.ts';

export interface RowTarget {
  readonly schema: string;
  readonly name: string;
}

/** Of one step. */
export interface RowsWritten {
  readonly rows: number;
  /** Rows of the backup for which the target had no room: another row has what must be unique. */
  readonly leftOut: { readonly [kind in LeftOutKind]?: number };
}

/** In the transaction that is open. Returns the rows that were loaded; throws what the source and the server throw. */
export async function loadRows(
  session: PgSession,
  into: {
    readonly target: RowTarget;
    readonly columns: readonly string[];
    readonly format: FormatName;
    /** Columns in which the source had JSON null, which the format json cannot tell from NULL. */
    readonly jsonNulls?: readonly string[];
  },
  source: AsyncIterable<Uint8Array>,
): Promise<number> {
  const relation =
    into.target.schema === 'pg_temp' ? `pg_temp.${quoteIdentifier(into.target.name)}` : qualifiedName(into.target);
  const list = into.columns.map(quoteIdentifier).join(', ');
  const place = list === '' ? relation : `${relation} (${list})`;
  if (into.format === 'json') {
    const value = (column: string) =>
      into.jsonNulls?.includes(column) ? orJsonNull(relation, column) : quoteIdentifier(column);
    return await loadJson(session, { relation, place, list: into.columns.map(value).join(', ') }, source);
  }
  const options = into.format === 'csv' ? ' with (format csv, header true)' : '';
  return await session.copyIn(`copy ${place} from stdin${options}`, source);
}

/** What may not be NULL was JSON null, and becomes it again. */
function orJsonNull(relation: string, column: string): string {
  const name = quoteIdentifier(column);
  return `case when ${name} is null and exists (select from pg_catalog.pg_attribute where attrelid = ${quoteLiteral(relation)}::regclass
    and attname = ${quoteLiteral(column)} and attnotnull) then 'null' else ${name} end`;
}

/** The whole file as one value: rows may span lines, and a json column must come back as it was written. */
async function loadJson(
  session: PgSession,
  { relation, place, list }: { relation: string; place: string; list: string },
  source: AsyncIterable<Uint8Array>,
): Promise<number> {
  await session.query('create temp table holdfast_file (content text) on commit drop');
  await session.copyIn('copy pg_temp.holdfast_file from stdin', asOneValue(source));
  const [row] = await session.query(`
    with taken as (
      insert into ${place} overriding system value select ${list}
      from json_populate_recordset(null::${relation}, (select content::json -> 'data' from pg_temp.holdfast_file))
      returning 1)
    select count(*) from taken`);
  await session.query('drop table pg_temp.holdfast_file');
  return Number(row![0]);
}

async function* asOneValue(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const encoder = new TextEncoder();
  for await (const bytes of source) yield encoder.encode(copyText(decoder.decode(bytes, { stream: true })));
  yield encoder.encode(`${copyText(decoder.decode())}\n`);
}

/**
 * The platform's table takes rows that it does not have, in the columns that both sides have. `allColumns` are those of
 * the stored rows. Returns how many came in, and how many were left out because another row has what must be unique; the
 * rest was there already. In the transaction that is open.
 */
export async function mergeRows(
  session: PgSession,
  into: {
    readonly target: RowTarget;
    readonly columns: readonly string[];
    readonly allColumns: readonly string[];
    readonly format: FormatName;
  },
  sources: Iterable<AsyncIterable<Uint8Array>>,
): Promise<RowsWritten> {
  const target = qualifiedName(into.target);
  const list = into.columns.map(quoteIdentifier).join(', ');
  await session.query(`create temp table holdfast_rows on commit drop as select ${list} from ${target} with no data`);
  const others = into.allColumns.filter((column) => !into.columns.includes(column));
  for (const column of others)
    await session.query(`alter table pg_temp.holdfast_rows add column ${quoteIdentifier(column)} text`);
  const stage = { target: { schema: 'pg_temp', name: 'holdfast_rows' }, columns: into.allColumns, format: into.format };
  let staged = 0;
  for (const source of sources) staged += await loadRows(session, stage, source);
  const [row] = await session.query(`
    with taken as (
      insert into ${target} (${list}) overriding system value select ${list} from pg_temp.holdfast_rows
      on conflict do nothing returning 1)
    select count(*) from taken`);
  const rows = Number(row![0]);
  const leftOut = rows === staged ? {} : await countLeftOut(session, into);
  await session.query('drop table pg_temp.holdfast_rows');
  return { rows, leftOut };
}

/** Staged rows whose primary key the target does not have; none where it has none, or one of columns that were not staged. */
async function countLeftOut(
  session: PgSession,
  { target, columns }: { readonly target: RowTarget; readonly columns: readonly string[] },
): Promise<RowsWritten['leftOut']> {
  const relation = `${quoteLiteral(qualifiedName(target))}::pg_catalog.regclass`;
  const keys = await session.query(`
    select a.attname from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey::smallint[])
    where i.indrelid = ${relation} and i.indisprimary`);
  const names = keys.map(([name]) => name!);
  if (names.length === 0 || !names.every((name) => columns.includes(name))) return {};
  const equal = names.map((name) => `t.${quoteIdentifier(name)} = s.${quoteIdentifier(name)}`).join(' and ');
  const [row] = await session.query(`
    select count(*), exists (select from pg_catalog.pg_constraint where contype = 'f' and confrelid = ${relation})
    from pg_temp.holdfast_rows s
    where not exists (select from only ${qualifiedName(target)} t where ${equal})`);
  return { [row![1] === 't' ? 'referred' : 'alone']: Number(row![0]) };
}
