-- What SQL can check before a scheduled run begins. The store and the keys are checked by the run's first worker call
-- (its plan task), because only the functions hold their secrets; follow_schedule_run() adds what came of it.
create or replace function backup.start_drill_function()
returns regprocedure
language sql
stable
set search_path = ''
as $$ select to_regprocedure('backup.start_drill(text, text, uuid)') $$;

-- The backup that a scheduled drill restores: the newest of its cadence, of the monthly ones any (over the months each
-- gets its turn), and before there is one of the cadence the newest full one.
create or replace function backup.drill_subject(p_cadence text)
returns text
language sql
volatile
set search_path = ''
as $$
  select backup_id from public.backup_log l
  where status in ('completed', 'completed_with_limits') and not request ? 'where' and to_jsonb(l) ->> 'deleted_at' is null
  order by backup_type = p_cadence desc, coalesce(request ->> 'scope', 'full') = 'full' desc,
    case when p_cadence = 'monthly' and backup_type = 'monthly' then random() end nulls last, started_at desc
  limit 1
$$;

create or replace function backup.preflight(p_name text)
returns table ("check" text, state text, value text, threshold text, message text, hint text, effect text)
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_schedule backup.schedule := backup.find_schedule(p_name);
begin
  return query
    select c.name, c.state, c.value, c.threshold, c.message, case when c.state = 'passed' then null else c.hint end,
      case when c.state = 'failed' then c.effect end
    from backup.preflight_settings() as c
    union all
    select c.name, c.state, c.value, c.threshold, c.message, case when c.state = 'passed' then null else c.hint end,
      case when c.state = 'failed' then c.effect end
    from backup.preflight_space() as c
    union all
    select c.name, c.state, c.value, c.threshold, c.message, case when c.state = 'passed' then null else c.hint end,
      case when c.state = 'failed' then c.effect end
    from backup.preflight_subject(v_schedule) as c;
end
$$;
comment on function backup.preflight(text) is
  'What is checked before a schedule begins. state: passed, failed or inconclusive; effect of a failed one: wait, skip, or null (it is only recorded).';

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
  v_open integer := (select count(*) from public.backup_log where status = 'in_progress');
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

create or replace function backup.preflight_space()
returns table (name text, state text, value text, threshold text, message text, hint text, effect text)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_size bigint := pg_catalog.pg_database_size(current_database());
  -- What is no number is not known: a check that is only recorded keeps no backup from beginning.
  v_limit bigint := (select (s.value #>> '{}')::bigint from backup.setting s
                     where s.name = 'plan_database_bytes' and s.value #>> '{}' ~ '^[1-9][0-9]{0,17}$');
  v_keep bigint := (select nullif(g.setting, '-1')::bigint * 1024 * 1024 from pg_catalog.pg_settings g
                    where g.name = 'max_slot_wal_keep_size');
  v_slots bigint;
  v_lost text;
  v_lag bigint;
begin
  return query values
    ('database_size', case when v_limit is null then 'inconclusive' when v_size > 0.8 * v_limit then 'failed' else 'passed' end,
     v_size::text, (0.8 * v_limit)::bigint::text,
     'the database has ' || pg_catalog.pg_size_pretty(v_size) || case when v_limit is null
       then ', and the limit of the plan is not known' else ' of the ' || pg_catalog.pg_size_pretty(v_limit) || ' of the plan' end,
     case when v_limit is null
       then 'Say it in bytes: insert into backup.setting (name, value) values (''plan_database_bytes'', ''8000000000'') on conflict (name) do update set value = excluded.value'
       else 'Above 80 % there may be no room for a restore beside the data: delete, or take a larger plan.' end, null::text);
  select count(*), min(slot_name) filter (where wal_status = 'lost'),
         max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn))
    into v_slots, v_lost, v_lag
  from pg_catalog.pg_replication_slots
  where slot_name like 'holdfast%' and database = current_database();
  return query values
    ('slot', case when v_lost is not null or v_lag > 0.8 * v_keep then 'failed' else 'passed' end,
     v_lag::text, (0.8 * v_keep)::bigint::text,
     case when v_slots = 0 then 'there is no replication slot of Holdfast, and none is needed'
       when v_lost is not null then format('replication slot %s is lost', v_lost)
       else 'the replication slot holds ' || pg_catalog.pg_size_pretty(v_lag) end,
     'A full backup is the new base of the increments; look for a slot that nobody reads.', null::text);
end
$$;

create or replace function backup.preflight_subject(p_schedule backup.schedule)
returns table (name text, state text, value text, threshold text, message text, hint text, effect text)
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_tables bigint;
begin
  if p_schedule.work = 'drill' then
    return query select 'backup', case when d.id is null then 'failed' else 'passed' end, d.id, null::text,
      case when d.id is null then 'there is no completed backup to restore' else 'there is a backup to restore' end,
      'The drill begins at its next time, when there is one.', 'skip'
    from backup.drill_subject(p_schedule.cadence) as d(id);
    return;
  end if;
  if p_schedule.scope = 'critical' then
    select count(*) into v_tables from backup.table_tier t
    where to_regclass(format('%I.%I', t.schema_name, t.table_name)) is not null;
    return query values ('tables', case when v_tables = 0 then 'failed' else 'passed' end, v_tables::text, '1',
      case when v_tables = 0 then 'none of the critical tables exists' else format('%s of the critical tables exist', v_tables) end,
      'Name the tables that are critical here in backup.table_tier.', 'skip');
  end if;
  return query values
    ('store', 'inconclusive', null::text, null::text, 'the first worker call of the run checks that the store takes and gives', null::text, null::text),
    ('keys', 'inconclusive', null, null, 'the first worker call of the run checks the keys', null, null);
end
$$;

-- What the run's first worker call found out about store and keys, put into the checks of its schedule_run.
create or replace function backup.settle_means_checks(p_checks jsonb, p_run public.backup_log)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_agg(
    case when item.value ->> 'check' not in ('store', 'keys') then item.value
      when p_run.error ->> 'code' ~ (case item.value ->> 'check' when 'store' then '^STORE_' else '^(KEY_|CONFIG_|PGP_)' end)
        then item.value || jsonb_build_object('state', 'failed', 'value', p_run.error ->> 'code',
          'message', p_run.error ->> 'message', 'hint', p_run.error ->> 'hint')
      when p_run.stage in ('planning', 'copying', 'finishing') or p_run.table_count is not null
        then item.value || jsonb_build_object('state', 'passed',
          'message', case item.value ->> 'check' when 'store' then 'the store takes and gives' else 'the keys can be used' end)
      else item.value end order by item.ordinality), '[]')
  from jsonb_array_elements(p_checks) with ordinality as item
$$;
revoke all on all functions in schema backup from public;
