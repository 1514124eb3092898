/** What an erasure must know of the tables: their keys and the foreign keys between them. */
import { qualifiedName } from './identifiers.ts';
import type { TextQuery } from './text-query.ts';

export interface TableRef {
  readonly schema: string;
  readonly table: string;
}

export interface ForeignKey {
  readonly name: string;
  readonly child: TableRef;
  readonly childColumns: readonly string[];
  readonly parent: TableRef;
  readonly parentColumns: readonly string[];
  readonly onDelete: 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';
  /** Only then may it be broken until the end of the transaction. */
  readonly deferrable: boolean;
  /** One null among its columns is not enough to point nowhere. */
  readonly matchFull: boolean;
}

export interface EraseColumnFacts {
  /** format_type() with its modifier. */
  readonly type: string;
  /** pg_type.typcategory of the type, or of the type under a domain. */
  readonly category: string;
  readonly notNull: boolean;
}

export interface EraseTableFacts extends TableRef {
  /** Columns of the primary key, without those that it only includes; [] where there is none. */
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, EraseColumnFacts>>;
}

export class EraseCatalog {
  readonly foreignKeys: readonly ForeignKey[];
  readonly #tables: ReadonlyMap<string, EraseTableFacts>;

  constructor(tables: readonly EraseTableFacts[], foreignKeys: readonly ForeignKey[]) {
    this.#tables = new Map(tables.map((table) => [nameOf(table), table]));
    this.foreignKeys = foreignKeys;
  }

  /** undefined when there is no such table. */
  find(table: TableRef): EraseTableFacts | undefined {
    return this.#tables.get(nameOf(table));
  }
}

/** `"schema"."table"`: as SQL, and as what tells tables apart. */
export function nameOf({ schema, table }: TableRef): string {
  return qualifiedName({ schema, name: table });
}

const TABLES_SQL = `
  select pg_catalog.json_build_object('schema', n.nspname, 'table', c.relname, 'key', coalesce((
      select pg_catalog.json_agg(a.attname order by k.ordinal)
      from pg_catalog.pg_index i
      cross join lateral pg_catalog.unnest(i.indkey[0 : i.indnkeyatts - 1]) with ordinality as k(attnum, ordinal)
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary), '[]'), 'columns', coalesce((
      select pg_catalog.json_object_agg(a.attname, pg_catalog.json_build_object(
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod), 'category', t.typcategory, 'notNull', a.attnotnull))
      from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '{}'))::text
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Those of partitions are copies of the root's. */
const FOREIGN_KEYS_SQL = `
  select pg_catalog.json_build_object('name', f.conname,
    'child', pg_catalog.json_build_object('schema', cn.nspname, 'table', c.relname),
    'parent', pg_catalog.json_build_object('schema', pn.nspname, 'table', p.relname),
    'childColumns', (select pg_catalog.json_agg(a.attname order by k.ordinal)
      from pg_catalog.unnest(f.conkey) with ordinality as k(attnum, ordinal)
      join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.attnum),
    'parentColumns', (select pg_catalog.json_agg(a.attname order by k.ordinal)
      from pg_catalog.unnest(f.confkey) with ordinality as k(attnum, ordinal)
      join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.attnum),
    'onDelete', case f.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
      when 'd' then 'set default' else 'no action' end,
    'deferrable', f.condeferrable, 'matchFull', f.confmatchtype = 'f')::text
  from pg_catalog.pg_constraint f
  join pg_catalog.pg_class c on c.oid = f.conrelid join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = f.confrelid join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
  where f.contype = 'f' and f.conparentid = 0
  order by cn.nspname collate "C", c.relname collate "C", f.conname collate "C"`;

/** Throws what the query throws. */
export async function readEraseCatalog(query: TextQuery): Promise<EraseCatalog> {
  const parse = <T>(rows: (string | null)[][]) => rows.map(([text]) => JSON.parse(text!) as T);
  const tables = parse<EraseTableFacts>(await query(TABLES_SQL));
  return new EraseCatalog(tables, parse<ForeignKey>(await query(FOREIGN_KEYS_SQL)));
}
