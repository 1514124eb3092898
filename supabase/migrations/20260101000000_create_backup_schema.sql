-- Holdfast's private schema. No API role may use it; everything public is a deliberate grant elsewhere.
create schema if not exists backup;
comment on schema backup is 'Holdfast: queue, ledger and settings. Private: no API role may use it.';

revoke all on schema backup from public;
alter default privileges in schema backup revoke all on tables from public;
alter default privileges in schema backup revoke all on functions from public;

do $$
declare
  v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    if exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute pg_catalog.format('revoke all on schema backup from %I', v_role);
      execute pg_catalog.format('alter default privileges in schema backup revoke all on tables from %I', v_role);
      execute pg_catalog.format('alter default privileges in schema backup revoke all on functions from %I', v_role);
      execute pg_catalog.format('alter default privileges in schema backup revoke all on sequences from %I', v_role);
    end if;
  end loop;
end
$$;

do $$
begin
  if to_regnamespace('cron') is null
     and exists (select from pg_catalog.pg_available_extensions where name = 'pg_cron') then
    create extension if not exists pg_cron;
  end if;
  if to_regnamespace('net') is null
     and exists (select from pg_catalog.pg_available_extensions where name = 'pg_net') then
    create extension if not exists pg_net;
  end if;
end
$$;

create table if not exists backup.setting (
  name text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);
alter table backup.setting enable row level security;
comment on table backup.setting is 'One row per setting; see backup.configure().';

insert into backup.setting (name, value)
values
  ('parallelism', '2'),
  ('lease_seconds', '75'),
  ('ticket_seconds', '60'),
  ('task_attempts', '3'),
  ('run_attempts', '3'),
  ('retry_base_seconds', '5'),
  ('keeper_deadline_minutes', '360')
on conflict (name) do nothing;
