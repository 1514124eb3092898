import type { TransactionSql } from 'postgres';

/**
 * The types of a column in several tables: one entry for each table that has the column, in SQL text as format_type()
 * quotes it, without length or precision, and of a domain the type under it: comparisons are made with that one.
 */
export async function readColumnTypes(sql: TransactionSql, oids: readonly number[], column: string): Promise<string[]> {
  const rows = await sql`
    with recursive base as (
      select a.attrelid, t.oid, t.typtype, t.typbasetype
      from pg_catalog.pg_attribute a
      join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = any(${[...oids]}::oid[]) and a.attname = ${column} and a.attnum > 0 and not a.attisdropped
      union all
      select base.attrelid, t.oid, t.typtype, t.typbasetype
      from base join pg_catalog.pg_type t on t.oid = base.typbasetype
      where base.typtype = 'd'
    )
    select pg_catalog.format_type(oid, -1) as type from base where typtype <> 'd'`;
  return rows.map((row) => row.type as string);
}
