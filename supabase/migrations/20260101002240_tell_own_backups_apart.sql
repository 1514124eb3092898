-- An adopted backup_log may hold rows of another backup system. What they are is not known, and nothing may be built on
-- them: no recovery point, no drill, no wait until they end. Ours have a folder once they are planned, and a task before.

create or replace function backup.table_recovery_points(p_now timestamptz default clock_timestamp())
returns table (schema_name text, table_name text, category text, recovery_point timestamptz)
language sql
stable
set search_path = ''
as $$
  with whole as (
    select backup_id, started_at, coalesce(request ->> 'scope', 'full') = 'full' as is_full
    from public.backup_log l
    where status in ('completed', 'completed_with_limits') and folder is not null and not request ? 'where'
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

create or replace function backup.drill_subject(p_cadence text)
returns text
language sql
volatile
set search_path = ''
as $$
  select backup_id from public.backup_log l
  where status in ('completed', 'completed_with_limits') and folder is not null and not request ? 'where'
    and to_jsonb(l) ->> 'deleted_at' is null
  order by backup_type = p_cadence desc, coalesce(request ->> 'scope', 'full') = 'full' desc,
    case when p_cadence = 'monthly' and backup_type = 'monthly' then random() end nulls last, started_at desc
  limit 1
$$;

create or replace function backup.start_drill(p_backup_id text, p_kind text default 'on-demand', p_by uuid default null)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_test uuid;
  v_job uuid;
begin
  if p_kind is null or p_kind not in ('weekly', 'monthly', 'on-demand') then
    raise exception 'the kind of a drill must be weekly, monthly or on-demand, not %', coalesce(quote_literal(p_kind), 'null')
      using errcode = '22023';
  end if;
  if not exists (select from public.backup_log where backup_id = p_backup_id
                 and status in ('completed', 'completed_with_limits') and folder is not null) then
    raise exception 'there is no completed backup % of Holdfast', p_backup_id
      using errcode = 'P0002',
            hint = 'select backup_id, status from public.backup_log where folder is not null order by started_at desc';
  end if;
  v_job := backup.start_job('drill', p_backup_id, jsonb_build_object('backup_id', p_backup_id, 'kind', p_kind), p_by);
  insert into public.backup_tests (backup_id, test_type, test_environment, started_at, tested_by, job_id, status)
  values (p_backup_id, p_kind, 'the function backup-restore', clock_timestamp(), p_by, v_job, 'in_progress')
  on conflict (job_id) where job_id is not null do nothing
  returning id into v_test;
  if v_test is null then
    select id into v_test from public.backup_tests where job_id = v_job;
  end if;
  return v_test;
end
$$;

-- The runs of ours that are under way.
create or replace function backup.open_runs()
returns setof text
language sql
stable
set search_path = ''
as $$
  select l.backup_id from public.backup_log l
  where l.status = 'in_progress'
    and (l.folder is not null or exists (select from backup.task t where t.backup_id = l.backup_id))
$$;

create or replace function backup.verify_kept_backups(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_kind text := coalesce((select value #>> '{}' from backup.setting where name = 'reverify_kind'), 'quick');
  v_backup_id text;
  v_id uuid;
begin
  if backup.setting_int('reverify_days', 60) <= 0 or backup.setting_int('reverify_per_day', 10) <= 0 then
    return '{"held": "switched off"}';
  elsif not exists (select from backup.setting where name = 'functions_url') then
    return '{"held": "not configured"}';
  elsif (backup.maintenance_at('', p_now)).id is not null then
    return '{"held": "maintenance"}';
  elsif not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.reverify', 0)) then
    return '{"held": "another heartbeat does it"}';
  elsif exists (select from backup.open_runs())
     or exists (select from backup.task where kind = 'verify' and state in ('pending', 'claimed')) then
    return '{"held": "busy"}'; -- backups first: tasks are taken in the order in which they were made
  elsif (select count(*) from public.backup_verification
         where details ->> 'again' = 'true' and verification_date > p_now - interval '1 day')
        >= backup.setting_int('reverify_per_day', 10) then
    return '{"held": "enough for a day"}';
  end if;
  select due.backup_id into v_backup_id from backup.backups_to_verify(p_now) as due limit 1;
  if not found then
    return '{}';
  end if;
  v_id := backup.start_verification(v_backup_id, v_kind, '[{"plan": true}]', null);
  update public.backup_verification set details = details || '{"again": true}' where id = v_id;
  return jsonb_build_object('verifies', v_backup_id);
end
$$;

create or replace function backup.preflight_settings()
returns table (name text, state text, value text, threshold text, message text, hint text, effect text)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_url text := (select s.value #>> '{}' from backup.setting s where s.name = 'functions_url');
  v_places integer := backup.setting_int('parallelism', 2);
  v_busy integer := (select count(*) from backup.task t where t.state = 'claimed' and t.lease_until > clock_timestamp());
  v_open integer := (select count(*) from backup.open_runs());
begin
  return query values
    ('settings', case when v_url is null then 'failed' else 'passed' end, v_url, null::text,
     case when v_url is null then 'the database does not know where the functions answer' else 'the functions'' URL is set' end,
     'Run once: select backup.configure(p_functions_url => ''https://<project ref>.supabase.co/functions/v1'')', 'wait'),
    ('pg_net', case when to_regnamespace('net') is null then 'failed' else 'passed' end, null, null,
     case when to_regnamespace('net') is null then 'pg_net is not installed: nobody would call the workers' else 'pg_net is installed' end,
     'Enable pg_net (Dashboard, Database, Extensions).', 'wait'),
    ('pg_cron', case when to_regclass('cron.job') is null then 'failed' else 'passed' end, null, null,
     case when to_regclass('cron.job') is null then 'pg_cron is not installed: nothing holds the snapshot that a backup of everything needs'
       else 'pg_cron is installed' end,
     'Enable pg_cron (Dashboard, Integrations, Cron).', null),
    ('places', case when v_busy < v_places then 'passed' else 'failed' end, v_busy::text, v_places::text,
     format('%s of %s places of workers taken, %s in progress', v_busy, v_places, v_open || case v_open when 1 then ' run' else ' runs' end),
     'The run queues behind the others; select backup.configure(p_parallelism => 4) makes more places.', null);
end
$$;

-- A cause is told once as long as it lasts, and again when it comes back. A time that a later one took over says nothing
-- of the cause.
create or replace function backup.skip_schedule_run(p_run backup.schedule_run, p_reason text, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_before backup.schedule_run;
begin
  update backup.schedule_run set state = 'skipped', reason = p_reason, ended_at = p_now
  where name = p_run.name and due_at = p_run.due_at;
  select * into v_before from backup.schedule_run
  where name = p_run.name and due_at < p_run.due_at and ended_at is not null and state <> 'superseded'
  order by due_at desc limit 1;
  if v_before.state is distinct from 'skipped' or v_before.reason is distinct from p_reason then
    perform backup.announce('schedule_skipped', 'warning', format('schedule %s was skipped: %s', p_run.name, p_reason),
      jsonb_build_object('schedule', p_run.name, 'due_at', p_run.due_at, 'reason', p_reason));
  end if;
end
$$;

create or replace function backup.schedule_pause(
  p_name text, p_until timestamptz default 'infinity', p_now timestamptz default clock_timestamp())
returns backup.schedule
language plpgsql
set search_path = ''
as $$
declare
  v_schedule backup.schedule;
begin
  perform backup.find_schedule(p_name);
  if p_until is null or p_until <= p_now then
    raise exception 'a pause must end in the future, or never: %', coalesce(p_until::text, 'null') using errcode = '22023',
      hint = 'Without an end it lasts until backup.schedule_resume(): select backup.schedule_pause(''daily-full'').';
  end if;
  select * into v_schedule from backup.schedule where name = p_name for update;
  perform backup.enlist_due(v_schedule, p_now);
  update backup.schedule set paused_until = p_until, updated_at = now() where name = p_name returning * into v_schedule;
  return v_schedule;
end
$$;
revoke all on all functions in schema backup from public;
