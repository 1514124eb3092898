/**
 * The queries of read-project-config.ts: each gives one JSON array. They name columns one by one, so that none of a
 * password, a connection string or a secret's value leaves the server, and no column that a role without superuser may
 * not read (pg_authid, pg_subscription.subconninfo) is asked for.
 */

const THIS_DATABASE = '(select oid from pg_database where datname = current_database())';
const ofExtension = (catalog: string, oid: string) => `exists (
  select from pg_depend d where d.classid = 'pg_catalog.${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;

export const ROLES_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', rolname, 'superuser', rolsuper, 'inherit', rolinherit, 'create_role', rolcreaterole,
    'create_db', rolcreatedb, 'login', rolcanlogin, 'replication', rolreplication, 'bypass_rls', rolbypassrls,
    'connection_limit', rolconnlimit, 'valid_until', rolvaliduntil::text,
    'comment', shobj_description(oid, 'pg_authid')) order by rolname collate "C"), '[]')
  from pg_roles where oid <> 10 and rolname !~ '^pg_'`;

/** automatic: from PostgreSQL 16 on the server gives it to whoever creates a role, and will again. */
export const MEMBERSHIPS_SQL = `
  select coalesce(json_agg(json_build_object(
    'role', role, 'member', member, 'admin_option', admin, 'inherit_option', inherits, 'set_option', sets,
    'automatic', grantor = 10 and admin and not coalesce(inherits, true) and not coalesce(sets, true))
    order by role collate "C", member collate "C", grantor), '[]')
  from (
    select pg_get_userbyid(m.roleid) as role, pg_get_userbyid(m.member) as member, m.grantor, m.admin_option as admin,
      (to_jsonb(m) ->> 'inherit_option')::boolean as inherits, (to_jsonb(m) ->> 'set_option')::boolean as sets
    from pg_auth_members m) as one`;

export const SETTINGS_SQL = `
  select coalesce(json_agg(json_build_object(
    'role', case when s.setrole <> 0 then pg_get_userbyid(s.setrole) end, 'in_database', s.setdatabase <> 0,
    'name', split_part(c.line, '=', 1), 'value', substr(c.line, strpos(c.line, '=') + 1))
    order by s.setdatabase <> 0, pg_get_userbyid(s.setrole) collate "C", c.line collate "C"), '[]')
  from pg_db_role_setting s cross join lateral unnest(s.setconfig) as c (line)
  where s.setdatabase in (0, ${THIS_DATABASE})`;

/** Through jsonb, because old versions of pg_cron have fewer columns. */
export const CRON_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', j ->> 'jobname', 'schedule', j ->> 'schedule', 'command', j ->> 'command', 'database', j ->> 'database',
    'username', j ->> 'username', 'active', coalesce((j ->> 'active')::boolean, true)) order by (j ->> 'jobid')::bigint), '[]')
  from (select to_jsonb(job) as j from cron.job) as jobs`;

export const PUBLICATIONS_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', p.pubname, 'owner', pg_get_userbyid(p.pubowner), 'all_tables', p.puballtables, 'insert', p.pubinsert,
    'update', p.pubupdate, 'delete', p.pubdelete, 'truncate', p.pubtruncate, 'via_root', p.pubviaroot,
    'tables', (
      select coalesce(json_agg(json_build_object(
        'schema', n.nspname, 'name', c.relname, 'where', pg_get_expr(r.prqual, r.prrelid),
        'columns', (
          select json_agg(a.attname order by a.attnum) from pg_attribute a
          where a.attrelid = r.prrelid and a.attnum = any (r.prattrs::int2[])))
        order by n.nspname collate "C", c.relname collate "C"), '[]')
      from pg_publication_rel r join pg_class c on c.oid = r.prrelid join pg_namespace n on n.oid = c.relnamespace
      where r.prpubid = p.oid),
    'schemas', (
      select coalesce(json_agg(n.nspname order by n.nspname collate "C"), '[]')
      from pg_publication_namespace s join pg_namespace n on n.oid = s.pnnspid where s.pnpubid = p.oid))
    order by p.pubname collate "C"), '[]')
  from pg_publication p`;

export const SUBSCRIPTIONS_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', subname, 'enabled', subenabled, 'slot', subslotname, 'publications', subpublications)
    order by subname collate "C"), '[]')
  from pg_subscription where subdbid = ${THIS_DATABASE}`;

export const EVENT_TRIGGERS_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', e.evtname, 'event', e.evtevent, 'enabled', e.evtenabled, 'tags', e.evttags,
    'function', json_build_object('schema', n.nspname, 'name', f.proname), 'owner', pg_get_userbyid(e.evtowner))
    order by e.evtname collate "C"), '[]')
  from pg_event_trigger e join pg_proc f on f.oid = e.evtfoid join pg_namespace n on n.oid = f.pronamespace
  where not ${ofExtension('pg_event_trigger', 'e.oid')}`;

export const VAULT_SQL = `
  select coalesce(json_agg(json_build_object('name', name, 'description', coalesce(description, ''))
    order by name collate "C", created_at), '[]')
  from vault.secrets`;

export const EXTENSIONS_SQL = `
  select coalesce(json_agg(json_build_object('name', e.extname, 'version', e.extversion, 'schema', n.nspname)
    order by e.extname collate "C"), '[]')
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace`;

export const SLOTS_SQL = `
  select coalesce(json_agg(json_build_object('name', slot_name, 'plugin', plugin) order by slot_name collate "C"), '[]')
  from pg_replication_slots where not temporary and (database is null or database = current_database())`;

export const FOREIGN_SERVERS_SQL = `
  select coalesce(json_agg(json_build_object(
    'name', s.srvname, 'wrapper', w.fdwname, 'owner', pg_get_userbyid(s.srvowner),
    'user_mappings', (
      select coalesce(json_agg(m.usename order by m.usename collate "C"), '[]') from pg_user_mappings m where m.srvid = s.oid))
    order by s.srvname collate "C"), '[]')
  from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw`;

/** By name and not by to_regclass(), which needs the right to look into the schema. */
export const hasTableSql = (schema: string, table: string) => `
  select exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = '${schema}' and c.relname = '${table}')`;

/** A partitioned table has the rows of its partitions. The schemas come as a list of literals. */
export const rlsTablesSql = (managedSchemas: string) => `
  select coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname, 'estimatedRows',
      case c.relkind when 'r' then greatest(c.reltuples, 0)::bigint else (
        select coalesce(sum(greatest(l.reltuples, 0)), 0)::bigint
        from pg_partition_tree(c.oid) t join pg_class l on l.oid = t.relid where t.isleaf) end)
    order by n.nspname collate "C", c.relname collate "C"), '[]')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relrowsecurity and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', ${managedSchemas})
    and not (n.nspname = 'backup' and coalesce(obj_description(n.oid, 'pg_namespace') like 'Holdfast:%', false))
    and not ${ofExtension('pg_class', 'c.oid')}`;
