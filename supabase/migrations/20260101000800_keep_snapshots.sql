-- The keeper: no edge function lives long enough to hold a snapshot, so a one-off pg_cron job does. It locks the
-- tables against DDL, exports its snapshot, shows the name in application_name (visible at once, unlike table
-- writes), and sleeps until the run has left its copying stage or its deadline is over.
create or replace function backup.keeper_job(p_backup_id text)
returns text
language sql
immutable
set search_path = ''
as $$ select 'holdfast-keeper-' || p_backup_id $$;

create or replace function backup.keep_snapshot(p_backup_id text)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_snapshot text;
  v_table record;
  v_deadline timestamptz := clock_timestamp() + make_interval(mins => backup.setting_int('keeper_deadline_minutes', 360));
begin
  if backup.run_needs_keeper(p_backup_id) and backup.keeper_snapshot(p_backup_id) is null then
    for v_table in select * from backup.lockable_table loop
      begin
        execute format('lock table only %I.%I in access share mode', v_table.schema_name, v_table.table_name);
      exception when undefined_table then
        continue; -- dropped since it was listed: the snapshot below will not have it either
      end;
    end loop;
    v_snapshot := pg_catalog.pg_export_snapshot(); -- must not stand in a block with an exception handler
    perform set_config('application_name', 'holdfast:' || right(p_backup_id, 8) || ':' || v_snapshot, false);
    while backup.run_needs_keeper(p_backup_id) and clock_timestamp() < v_deadline loop
      perform pg_catalog.pg_sleep(0.5);
    end loop;
    perform set_config('application_name', 'holdfast', false);
  end if;
  perform backup.unschedule_keeper(p_backup_id);
  return v_snapshot;
end
$$;

create or replace view backup.lockable_table as
  select n.nspname::text as schema_name, c.relname::text as table_name
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p')
    and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'backup', 'cron', 'net', 'vault', 'realtime')
    and n.nspname !~ '^pg_'
    and pg_catalog.has_schema_privilege(n.oid, 'usage')
    and pg_catalog.has_table_privilege(c.oid, 'select')
  order by c.oid;

create or replace function backup.run_needs_keeper(p_backup_id text)
returns boolean
language sql
volatile
set search_path = ''
as $$
  select exists (
    select from public.backup_log
    where backup_id = p_backup_id and status = 'in_progress' and stage in ('queued', 'planning', 'copying'))
$$;

-- The name of the snapshot that the run's keeper holds now, or null.
create or replace function backup.keeper_snapshot(p_backup_id text)
returns text
language sql
volatile
set search_path = ''
as $$
  select split_part(application_name, ':', 3)
  from pg_catalog.pg_stat_activity
  where application_name like 'holdfast:' || right(p_backup_id, 8) || ':%'
    and datname = current_database()
  order by backend_start
  limit 1
$$;

-- Returns false where pg_cron is not installed. Safe to call twice.
create or replace function backup.start_keeper(p_backup_id text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_command text := format(
    'set statement_timeout = 0; set lock_timeout = ''30s''; set idle_in_transaction_session_timeout = 0; select backup.keep_snapshot(%L)',
    p_backup_id);
begin
  if to_regprocedure('cron.schedule(text, text, text)') is null then
    return false;
  end if;
  begin
    perform cron.schedule(backup.keeper_job(p_backup_id), '1 second', v_command);
  exception when others then
    perform cron.schedule(backup.keeper_job(p_backup_id), '* * * * *', v_command); -- before pg_cron 1.5
  end;
  return true;
end
$$;

create or replace function backup.unschedule_keeper(p_backup_id text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if to_regclass('cron.job') is null then
    return;
  end if;
  perform cron.unschedule(jobid) from cron.job where jobname = backup.keeper_job(p_backup_id);
end
$$;
