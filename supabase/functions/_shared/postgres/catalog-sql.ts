/** The queries of read-catalog.ts. They run with an empty search_path, so everything is pg_catalog's. */

export const DATABASE_SQL = `
  select json_build_object(
    'name', current_database(),
    'blockSize', current_setting('block_size')::int,
    'encoding', (select pg_encoding_to_char(encoding) from pg_database where datname = current_database()),
    'roles', (select json_agg(rolname) from pg_roles),
    'extensions', coalesce((
      select json_agg(json_build_object('name', e.extname, 'version', e.extversion, 'schema', n.nspname) order by e.extname)
      from pg_extension e join pg_namespace n on n.oid = e.extnamespace), '[]'),
    'largeObjects', (select count(*) from pg_largeobject_metadata))`;

export const SCHEMAS_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', n.nspname,
    'owner', pg_get_userbyid(n.nspowner),
    'holdfast', n.nspname = 'backup' and coalesce(obj_description(n.oid, 'pg_namespace') like 'Holdfast:%', false))), '[]')
  from pg_namespace n
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Of the tables that TABLES_SQL lists. */
const LISTED = `c.relkind in ('r', 'p', 'f', 'm') and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Domains over domains are followed to the type that says how a value is written. */
export const COLUMNS_SQL = `
  with recursive base (oid, type) as (
    select oid, typbasetype from pg_type where typtype = 'd'
    union all
    select b.oid, t.typbasetype from base b join pg_type t on t.oid = b.type and t.typtype = 'd'
  ), domain as (
    select b.oid, b.type from base b join pg_type t on t.oid = b.type and t.typtype <> 'd'
  )
  select a.attrelid, json_agg(json_build_array(
    a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid::bigint, coalesce(d.type, a.atttypid)::bigint,
    a.attnotnull, a.attgenerated <> '', a.attidentity <> '') order by a.attnum)
  from pg_attribute a
  join pg_class c on c.oid = a.attrelid
  join pg_namespace n on n.oid = c.relnamespace
  left join domain d on d.oid = a.atttypid
  where ${LISTED} and a.attnum > 0 and not a.attisdropped
  group by a.attrelid`;

/**
 * heapBytes: 0 says that there are no rows. Where no size says that, it is one byte, so that the table is read: one that was
 * dropped since the snapshot, which is then an error, and one that another access method than heap keeps elsewhere.
 * readable also says no where row level security would stop the role: with row_security = off that is an error.
 * configCondition: what pg_extension_config_dump() declared, '' for all rows, null for a table that is no configuration.
 */
export const TABLES_SQL = `
  with member as (
    select d.objid, (
      select nullif(regexp_replace(x.condition, '^\\s*where\\s', '', 'i'), '')
      from unnest(e.extconfig, e.extcondition) as x (relation, condition) where x.relation = d.objid) as condition,
      d.objid = any (coalesce(e.extconfig, '{}')) as config
    from pg_depend d
    join pg_extension e on e.oid = d.refobjid
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_extension'::regclass and d.deptype = 'e' and d.objsubid = 0
  )
  select json_build_object(
    'oid', c.oid::bigint,
    'schema', n.nspname,
    'name', c.relname,
    'kind', c.relkind,
    'persistence', c.relpersistence,
    'partitionRoot', (
      select json_build_object('schema', rn.nspname, 'name', rc.relname)
      from pg_class rc join pg_namespace rn on rn.oid = rc.relnamespace
      where rc.oid = pg_partition_root(c.oid) and rc.oid <> c.oid),
    'hasPrimaryKey', exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary),
    'readable', has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
      and not (c.relrowsecurity and row_security_active(c.oid)),
    'heapBytes', case when c.relkind not in ('r', 'm') then 0
      when c.relam = (select oid from pg_am where amname = 'heap') then coalesce(pg_relation_size(c.oid), 1)
      else greatest(pg_relation_size(c.oid), 1) end,
    'toastBytes', case when c.reltoastrelid = 0 then 0 else coalesce(pg_total_relation_size(c.reltoastrelid), 0) end,
    'estimatedRows', greatest(c.reltuples, 0)::bigint,
    'extension', m.objid is not null,
    'configCondition', case when m.config then coalesce(m.condition, '') end)
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
  left join member m on m.objid = c.oid
  where ${LISTED}
  order by n.nspname collate "C", c.relname collate "C"`;
