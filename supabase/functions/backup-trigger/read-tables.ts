/** The tables that a request can mean, as the domain chooses from them; the plan of the run reads them again in its snapshot. */
import type { TransactionSql } from 'postgres';
import type { ChoosableTable } from '../_shared/domain/choose-tables.ts';

export interface NamedTable extends ChoosableTable {
  readonly oid: number;
}

export async function readTables(sql: TransactionSql): Promise<NamedTable[]> {
  const rows = await sql`
    select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind,
           pg_catalog.has_schema_privilege(n.oid, 'usage') and pg_catalog.has_table_privilege(c.oid, 'select') as readable,
           rn.nspname as root_schema, r.relname as root_name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_class r on c.relispartition and r.oid = pg_catalog.pg_partition_root(c.oid)
    left join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
    where c.relkind in ('r', 'p', 'f', 'm') and c.relpersistence <> 't'
      and n.nspname not in ('information_schema', 'backup') and n.nspname !~ '^pg_'`;
  return rows.map((row) => ({
    oid: Number(row.oid),
    schema: row.schema,
    name: row.name,
    kind: row.kind,
    readable: row.readable,
    partitionRoot: row.root_name === null ? null : { schema: row.root_schema, name: row.root_name },
  }));
}
