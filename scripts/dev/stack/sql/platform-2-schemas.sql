-- Schemas, extensions and the default privileges of `public`.
create schema if not exists extensions;
grant usage on schema extensions to postgres, anon, authenticated, service_role, supabase_auth_admin, supabase_storage_admin;
grant all on schema extensions to dashboard_user;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists "uuid-ossp" with schema extensions;

grant usage on schema public to postgres, anon, authenticated, service_role;
do $$
declare
  v_owner text;
  v_kind text;
begin
  foreach v_owner in array array['postgres', 'supabase_admin'] loop
    foreach v_kind in array array['tables', 'functions', 'sequences'] loop
      execute pg_catalog.format(
        'alter default privileges for role %I in schema public grant all on %s to postgres, anon, authenticated, service_role',
        v_owner, v_kind);
    end loop;
  end loop;
end
$$;

-- PostgREST learns of schema changes through these; every hosted project has such event triggers, owned by the platform.
create or replace function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from pg_catalog.pg_event_trigger_ddl_commands() c where c.schema_name is distinct from 'pg_temp'
  ) then
    perform pg_catalog.pg_notify('pgrst', 'reload schema');
  end if;
end
$$;
drop event trigger if exists pgrst_ddl_watch;
create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();

create schema if not exists graphql_public;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;
create or replace function graphql_public.graphql(
  "operationName" text default null, query text default null, variables jsonb default null, extensions jsonb default null
) returns jsonb
language sql
set search_path = ''
as $$ select pg_catalog.jsonb_build_object('errors', pg_catalog.jsonb_build_array(
  pg_catalog.jsonb_build_object('message', 'pg_graphql extension is not enabled.'))) $$;
