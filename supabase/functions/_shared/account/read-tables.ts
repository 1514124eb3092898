/** The tables that personal data can be in, as the catalogue has them. */
import type { Sql } from '../postgres/open-driver.ts';

export interface SubjectTableColumn {
  readonly name: string;
  /** format_type() text; of a domain, the type under it. */
  readonly type: string;
  readonly notNull: boolean;
}

export interface SubjectCatalogueTable {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** A part of a partitioned table: its rows are read through the root. */
  readonly partition: boolean;
  readonly columns: readonly SubjectTableColumn[];
}

/** Every ordinary and partitioned table outside the system's schemas, those of the platform too. Throws the driver's errors. */
export async function readTables(sql: Sql): Promise<SubjectCatalogueTable[]> {
  const rows = await sql<{ oid: number; schema: string; table: string; partition: boolean; columns: ColumnRow[] }[]>`
    with recursive base (oid, type) as (
      select oid, typbasetype from pg_catalog.pg_type where typtype = 'd'
      union all
      select b.oid, t.typbasetype from base b join pg_catalog.pg_type t on t.oid = b.type and t.typtype = 'd'
    ), domain as (
      select b.oid, b.type from base b join pg_catalog.pg_type t on t.oid = b.type and t.typtype <> 'd'
    )
    select c.oid::bigint as oid, n.nspname as schema, c.relname as table, c.relispartition as partition, coalesce((
      select pg_catalog.json_agg(pg_catalog.json_build_array(
        a.attname, pg_catalog.format_type(coalesce(d.type, a.atttypid), null), a.attnotnull) order by a.attnum)
      from pg_catalog.pg_attribute a left join domain d on d.oid = a.atttypid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    order by n.nspname collate "C", c.relname collate "C"`;
  return rows.map(({ columns, ...table }) => ({
    ...table,
    columns: columns.map(([name, type, notNull]) => ({ name, type, notNull })),
  }));
}

type ColumnRow = [name: string, type: string, notNull: boolean];
