-- Realtime's and the database webhooks' schemas in short, and the publications every project has.
create schema if not exists realtime;
grant usage on schema realtime to postgres, anon, authenticated, service_role;
grant all on schema realtime to supabase_realtime_admin;
create table realtime.schema_migrations (version bigint primary key, inserted_at timestamp(0));
create table realtime.subscription (
  id bigint generated always as identity primary key,
  subscription_id uuid not null,
  entity regclass not null,
  claims jsonb not null,
  created_at timestamp not null default timezone('utc', now())
);
create table realtime.messages (
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now(),
  id uuid not null default gen_random_uuid(),
  primary key (id, inserted_at)
) partition by range (inserted_at);
alter table realtime.messages owner to supabase_realtime_admin;
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to postgres, anon, authenticated, service_role;

create schema if not exists supabase_functions;
grant usage on schema supabase_functions to postgres, anon, authenticated, service_role;
create table supabase_functions.migrations (version text primary key, inserted_at timestamptz not null default now());
create table supabase_functions.hooks (
  id bigserial primary key,
  hook_table_id integer not null,
  hook_name text not null,
  created_at timestamptz not null default now(),
  request_id bigint
);
-- A webhook is a trigger on a user's table that calls this with: url, method, headers, params, timeout.
create function supabase_functions.http_request() returns trigger
language plpgsql security definer
set search_path = ''
as $$
declare
  v_request bigint;
  v_headers constant jsonb := coalesce(nullif(tg_argv[2], 'null'), '{"Content-Type": "application/json"}')::jsonb;
  v_timeout constant integer := coalesce(nullif(tg_argv[4], 'null'), '1000')::integer;
begin
  if tg_argv[0] is null or tg_argv[0] = 'null' then
    raise exception 'url argument is missing';
  end if;
  v_request := net.http_post(tg_argv[0], pg_catalog.jsonb_build_object(
    'old_record', case when tg_op <> 'INSERT' then pg_catalog.to_jsonb(old) end,
    'record', case when tg_op <> 'DELETE' then pg_catalog.to_jsonb(new) end,
    'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema), '{}', v_headers, v_timeout);
  insert into supabase_functions.hooks (hook_table_id, hook_name, request_id) values (tg_relid::bigint, tg_name, v_request);
  return coalesce(new, old);
end
$$;
grant select, insert, update, delete on all tables in schema supabase_functions to postgres, service_role;
grant usage on all sequences in schema supabase_functions to postgres, service_role;

create publication supabase_realtime;
alter publication supabase_realtime owner to postgres;
create publication supabase_realtime_messages_publication for table realtime.messages;
