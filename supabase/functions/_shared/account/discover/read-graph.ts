/** Reads tables, foreign keys and policies: the application's own, not those of the platform, of extensions or of Holdfast. */
import { isManagedSchema } from '../../postgres/managed-schemas.ts';
import type { Sql } from '../../postgres/open-driver.ts';
import type { GraphTable, SubjectGraph } from './subject-graph.ts';

const USERS = 'auth.users';
const HOLDFAST_TABLES = new Set(
  ['backup_log', 'backup_verification', 'backup_tests', 'security_events_log', 'system_health_alerts'].map(
    (name) => `public.${name}`,
  ),
);

interface Row extends GraphTable {
  readonly owner: string;
}

/** Partitions are left out, and what refers to one refers to its root. Throws the driver's errors. */
export async function readGraph(sql: Sql): Promise<SubjectGraph> {
  const rows = await sql<Row[]>`
    with recursive base (oid, type) as (
      select oid, typbasetype from pg_catalog.pg_type where typtype = 'd'
      union all
      select b.oid, t.typbasetype from base b join pg_catalog.pg_type t on t.oid = b.type and t.typtype = 'd'
    ), domain as (
      select b.oid, b.type from base b join pg_catalog.pg_type t on t.oid = b.type and t.typtype <> 'd'
    ), named as (
      select c.oid, c.relispartition, n.nspname as schema, c.relname as table,
        pg_catalog.pg_get_userbyid(n.nspowner) as owner,
        pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as key
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (
          select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
    )
    select t.key, t.schema, t.table, t.owner,
      coalesce((
        select pg_catalog.json_agg(pg_catalog.json_build_object(
          'name', a.attname, 'type', pg_catalog.format_type(coalesce(d.type, a.atttypid), null)) order by a.attnum)
        from pg_catalog.pg_attribute a left join domain d on d.oid = a.atttypid
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped), '[]') as columns,
      coalesce((
        select pg_catalog.json_agg(a.attname order by k.position)
        from pg_catalog.pg_constraint c, pg_catalog.unnest(c.conkey) with ordinality as k (attnum, position)
        join pg_catalog.pg_attribute a on a.attnum = k.attnum
        where c.conrelid = t.oid and c.contype = 'p' and a.attrelid = t.oid), '[]') as "primaryKey",
      coalesce((
        select pg_catalog.json_agg(pg_catalog.json_build_object(
          'columns', (
            select pg_catalog.json_agg(a.attname order by k.position)
            from pg_catalog.unnest(c.conkey) with ordinality as k (attnum, position)
            join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum),
          'to', r.key,
          'toColumns', (
            select pg_catalog.json_agg(a.attname order by k.position)
            from pg_catalog.unnest(c.confkey) with ordinality as k (attnum, position)
            join pg_catalog.pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.attnum),
          'cascades', c.confdeltype = 'c') order by c.conname collate "C")
        from pg_catalog.pg_constraint c
        join named r on r.oid = coalesce(pg_catalog.pg_partition_root(c.confrelid)::oid, c.confrelid)
        -- PostgreSQL repeats a reference to a partitioned table for each of its parts.
        where c.conrelid = t.oid and c.contype = 'f' and c.conparentid = 0), '[]') as "foreignKeys",
      coalesce((
        select pg_catalog.json_agg(pg_catalog.pg_get_expr(p.polqual, p.polrelid) order by p.polname collate "C")
        from pg_catalog.pg_policy p
        where p.polrelid = t.oid and p.polcmd in ('r', '*') and p.polqual is not null), '[]') as policies
    from named t
    where not t.relispartition
    order by t.schema collate "C", t.table collate "C"`;
  const users = rows.some(({ key }) => key === USERS) ? USERS : null;
  return { users, tables: rows.filter(isOwn).map(({ owner: _, ...table }) => table) };
}

function isOwn({ key, schema, owner }: Row): boolean {
  return schema !== 'backup' && !HOLDFAST_TABLES.has(key) && !isManagedSchema({ name: schema, owner });
}
