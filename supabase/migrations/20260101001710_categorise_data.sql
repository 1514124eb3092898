-- How much of which data may be lost, and how soon it must be back: the recovery objectives of the backup plans.
create table if not exists backup.data_category (
  name text primary key check (name ~ '^[a-z][a-z0-9-]{0,62}$'),
  title text not null,
  recovery_point interval not null check (recovery_point > interval '0'),
  recovery_time interval not null check (recovery_time > interval '0'),
  tiers integer[] not null default '{}',
  is_default boolean not null default false,
  position integer not null
);
alter table backup.data_category enable row level security;
create unique index if not exists data_category_default on backup.data_category (is_default) where is_default;
comment on table backup.data_category is 'Recovery objectives per kind of data; edit them to fit the project.';
comment on column backup.data_category.recovery_point is 'At most so much of the newest data may be lost.';
comment on column backup.data_category.recovery_time is 'A restore takes no longer.';
comment on column backup.data_category.tiers is 'Tables of these tiers of backup.table_tier belong to it.';
comment on column backup.data_category.is_default is 'Tables that nothing names belong to it.';
insert into backup.data_category (name, title, recovery_point, recovery_time, tiers, is_default, position)
values
  ('financial', 'Financial data', '15 minutes', '1 hour', '{3}', false, 1),
  ('critical', 'Critical systems', '1 hour', '2 hours', '{2}', false, 2),
  ('user-data', 'User data', '1 hour', '4 hours', '{1}', false, 3),
  ('standard', 'Standard systems', '4 hours', '8 hours', '{4}', true, 4),
  ('non-critical', 'Non-critical systems', '24 hours', '48 hours', '{5}', false, 5),
  ('analytics', 'Analytics data', '24 hours', '72 hours', '{}', false, 6)
on conflict do nothing;

create table if not exists backup.data_category_table (
  schema_name text not null,
  table_name text not null,
  category text not null references backup.data_category,
  primary key (schema_name, table_name)
);
alter table backup.data_category_table enable row level security;
comment on table backup.data_category_table is 'Tables whose category is not that of their tier.';
insert into backup.data_category_table (schema_name, table_name, category)
values ('auth', 'users', 'user-data'), ('auth', 'identities', 'user-data')
on conflict do nothing;

-- Every table that backups take, with the moment that it can be brought back to: the newest completed backup that has
-- all its rows. A table made since the newest full backup has that backup's moment: what came later is not safe yet.
create or replace function backup.table_recovery_points(p_now timestamptz default clock_timestamp())
returns table (schema_name text, table_name text, category text, recovery_point timestamptz)
language sql
stable
set search_path = ''
as $$
  with whole as (
    select backup_id, started_at, coalesce(request ->> 'scope', 'full') = 'full' as is_full
    from public.backup_log l
    where status in ('completed', 'completed_with_limits') and not request ? 'where'
      and to_jsonb(l) ->> 'deleted_at' is null and started_at <= p_now
  ),
  newest as (
    select r.schema_name, r.table_name, max(w.started_at) as at
    from backup.run_table r
    join whole w on w.backup_id = r.backup_id
    group by 1, 2
  )
  select n.nspname::text, c.relname::text,
    coalesce(
      chosen.category,
      (select d.name from backup.data_category d join backup.table_tier t on t.tier = any (d.tiers)
       where t.schema_name = n.nspname and t.table_name = c.relname order by d.position limit 1),
      (select d.name from backup.data_category d where d.is_default)),
    coalesce(newest.at, (select max(w.started_at) from whole w where w.is_full))
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join newest on newest.schema_name = n.nspname and newest.table_name = c.relname
  left join backup.data_category_table chosen on chosen.schema_name = n.nspname and chosen.table_name = c.relname
  where c.relkind = 'r' and c.relpersistence = 'p' and n.nspname not in ('backup', 'information_schema')
    and n.nspname !~ '^pg_'
    and (chosen.category is not null or newest.at is not null
         or (n.nspname = 'public' and c.relname not in (
           'backup_log', 'backup_verification', 'backup_tests', 'security_events_log', 'system_health_alerts')))
$$;
revoke all on backup.data_category, backup.data_category_table from public;
revoke all on all functions in schema backup from public;
