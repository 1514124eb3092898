-- The platform's roles, for the whole server; safe to run again. `postgres` is no superuser, as on the hosted platform.
-- Where plain PostgreSQL cannot follow the platform's supautils: `postgres` creates no event trigger, no publication of
-- all tables and no policy on storage.objects here though it may there, and on version 15 its createrole still hands out
-- the server-file roles, which the platform reserves.
do $$
declare
  v_role text;
begin
  foreach v_role in array array[
    'postgres', 'anon', 'authenticated', 'service_role', 'authenticator', 'dashboard_user', 'pgbouncer',
    'supabase_auth_admin', 'supabase_storage_admin', 'supabase_functions_admin', 'supabase_realtime_admin',
    'supabase_replication_admin', 'supabase_read_only_user', 'supabase_etl_admin'
  ] loop
    if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute pg_catalog.format('create role %I', v_role);
    end if;
  end loop;
end
$$;

alter role postgres nosuperuser createdb createrole login replication bypassrls;
alter role anon nologin inherit;
alter role authenticated nologin inherit;
alter role service_role nologin inherit bypassrls;
alter role authenticator login noinherit;
alter role dashboard_user nologin createdb createrole replication;
alter role pgbouncer login;
alter role supabase_auth_admin login noinherit createrole;
alter role supabase_storage_admin login noinherit createrole;
alter role supabase_functions_admin login noinherit createrole;
alter role supabase_realtime_admin nologin noinherit;
alter role supabase_replication_admin login replication;
alter role supabase_read_only_user login bypassrls;
alter role supabase_etl_admin login replication;

-- Memberships of `postgres`. From version 16 on, handing a role on needs the admin option; before, createrole is enough.
do $$
declare
  v_modern constant boolean := pg_catalog.current_setting('server_version_num')::integer >= 160000;
  v_role text;
begin
  foreach v_role in array array[
    'pg_read_all_data', 'pg_monitor', 'pg_signal_backend', 'anon', 'authenticated', 'service_role', 'authenticator'
  ] loop
    execute pg_catalog.format('grant %I to postgres', v_role) || case when v_modern then ' with admin option' else '' end;
  end loop;
  if v_modern then
    grant pg_create_subscription to postgres;
  end if;
end
$$;

grant anon, authenticated, service_role to authenticator;
grant authenticator to supabase_storage_admin;
grant pg_read_all_data to supabase_read_only_user;
grant pg_read_all_data to supabase_etl_admin;

alter role postgres set search_path = "$user", public, extensions;
alter role supabase_admin set search_path = "$user", public, auth, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_auth_admin set idle_in_transaction_session_timeout = 60000;
alter role supabase_storage_admin set search_path = storage;

-- The server caps every statement at 2 minutes (set by installPlatform); these roles have limits of their own.
alter role supabase_admin set statement_timeout = 0;
alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

-- What the platform's supautils lets `postgres` set although a superuser setting.
grant set on parameter session_replication_role to postgres;
grant set on parameter wal_compression to postgres;
grant set on parameter log_min_duration_statement to postgres;
grant set on parameter log_statement to postgres;
