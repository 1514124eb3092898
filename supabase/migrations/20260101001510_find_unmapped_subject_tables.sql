-- Tables that may hold somebody's data without the owner having said so. A health check fails while there are any.

-- Hashes of other people's ids are the same all over a project and mean nothing outside it. Not part of backups.
insert into backup.setting (name, value)
values ('subject_hash_salt', to_jsonb(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')))
on conflict (name) do nothing;

create or replace function backup.unmapped_subject_tables()
returns table (schema_name text, table_name text, path text)
language plpgsql
stable
set search_path = ''
as $$
declare
  -- Oids of tables that lead to auth.users, with the shortest way there. It grows level by level, so cycles end.
  v_reached jsonb := '{}';
  v_level jsonb := pg_catalog.jsonb_build_object(coalesce(pg_catalog.to_regclass('auth.users')::oid::text, ''), '');
begin
  while v_level is not null loop
    v_reached := v_reached || v_level;
    select pg_catalog.jsonb_object_agg(s.source, s.step) into v_level
    from (
      select distinct on (k.source) k.source, k.columns || ' -> ' || k.target || coalesce('; ' || nullif(l.value, ''), '') as step
      from (
        -- Partitions once, as their root.
        select coalesce(pg_catalog.pg_partition_root(c.conrelid)::oid, c.conrelid)::text as source,
          coalesce(pg_catalog.pg_partition_root(c.confrelid)::oid, c.confrelid)::text as destination,
          coalesce(pg_catalog.pg_partition_root(c.confrelid), c.confrelid::pg_catalog.regclass)::text as target, (
            select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by n.position)
            from pg_catalog.unnest(c.conkey) with ordinality as n (attnum, position)
            join pg_catalog.pg_attribute a on a.attrelid = c.conrelid and a.attnum = n.attnum
          ) as columns
        from pg_catalog.pg_constraint c
        where c.contype = 'f'
      ) as k
      join pg_catalog.jsonb_each_text(v_level) as l on l.key = k.destination
      where not v_reached ? k.source
      order by k.source, k.columns collate "C"
    ) as s;
  end loop;

  return query
  select n.nspname::text, c.relname::text, coalesce(v_reached ->> c.oid::text, e.evidence)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join lateral (
    select pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' order by a.attnum) || ' (by its name)' as evidence
    from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      and a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype
      and pg_catalog.lower(a.attname) ~ '^(auth_|app_)?(user|owner|profile|account|member|customer|client|author|creator|person|subject|employee|patient|student|sender|recipient|receiver|participant|caller|callee|buyer|seller|guest|host|created_by|owned_by|uploaded_by|submitted_by|requested_by|sent_by|booked_by|user_uuid|owner_uuid)(_?(id|uuid|uid))?$'
      -- One that refers to another table says by that what it is.
      and not exists (
        select from pg_catalog.pg_constraint f
        where f.conrelid = c.oid and f.contype = 'f' and a.attnum = any (f.conkey))
  ) as e on true
  where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
    and coalesce(v_reached ->> c.oid::text, e.evidence) is not null
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    -- Holdfast's own.
    and n.nspname <> 'backup'
    and not (n.nspname = 'public' and c.relname in (
      'backup_log', 'backup_verification', 'backup_tests', 'security_events_log', 'system_health_alerts'))
    -- The platform's: schemas of these names that one of its roles owns.
    and not (
      (n.nspname in (
        '_analytics', '_realtime', '_supavisor', 'auth', 'cron', 'dbdev', 'etl', 'extensions', 'graphql', 'graphql_public',
        'net', 'pgbouncer', 'pgmq', 'pgsodium', 'pgsodium_masks', 'pgtle', 'realtime', 'repack', 'storage',
        'supabase_functions', 'supabase_migrations', 'tiger', 'tiger_data', 'topology', 'vault')
        or n.nspname ~ '^_?timescaledb_')
      and pg_catalog.pg_get_userbyid(n.nspowner) ~ '^(supabase_.+|pgbouncer|pgsodium_.+|pgtle_admin|dashboard_user)$')
    and not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
    and not exists (
      select from backup.subject_source s where s.schema_name = n.nspname and s.table_name = c.relname)
  order by 1, 2;
end
$$;
comment on function backup.unmapped_subject_tables() is
  'Tables with a foreign-key path to auth.users, or a uuid column named for a user, that are neither mapped nor excluded.';
revoke all on function backup.unmapped_subject_tables() from public;
