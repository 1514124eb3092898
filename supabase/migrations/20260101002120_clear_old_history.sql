-- What only grows is cleared away when it is old: our rows of system_health_alerts, tasks and jobs that have ended,
-- recorded row changes, and what pg_cron writes about our jobs each minute. The records of what happened to backups
-- (backup_log, backup_verification, backup_tests, security_events_log) are kept.
insert into backup.setting (name, value)
values
  ('alert_history_days', '400'),
  ('work_history_days', '30'),
  ('change_history_days', '90'),
  ('cron_history_days', '7'),
  -- An adopted table may hold rows of an earlier backup system, under the same names: those are not ours to remove.
  ('alert_history_since', to_jsonb(now()))
on conflict (name) do nothing;

-- Types that Holdfast writes. Rows of any other type belong to whoever wrote them; those of erasures are evidence.
create or replace function backup.is_own_alert_type(p_type text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select p_type ~ ('^(backup_(completed|failed|verification_failed|drill_failed)|schedule_(failed|blocked|broken|missed|skipped)'
    || '|tick_step_failed|health_check_(healthy|unhealthy|inconclusive))$')
$$;

-- Does a row belong to a problem that is open? An hour of slack: a health problem begins with the evaluation that the
-- heartbeat saw, which may be a little later than the row. What too many open problems hid counts as open with them.
create or replace function backup.is_alert_open(p_row jsonb, p_at timestamptz)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from backup.problem p
    where p.state = 'open' and p_at >= p.first_seen - interval '1 hour'
      and p.key in ('alert:others', backup.problem_key(p_row ->> 'alert_type', backup.alert_facts(p_row -> 'event_data')))
      and (p.key <> 'alert:others' or backup.severity_of(p_row ->> 'severity') <> 'info'))
$$;

-- The plans' queries look 30 days back, so no setting goes below that.
create or replace function backup.clear_alerts(p_now timestamptz, p_most integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_days integer := backup.setting_int('alert_history_days', 400);
  v_since timestamptz := (select value #>> '{}' from backup.setting where name = 'alert_history_since')::timestamptz;
  v_count integer;
begin
  if v_days <= 0 or v_since is null then
    return 0;
  end if;
  delete from public.system_health_alerts a
  using (
    select old.ctid as place, old.tableoid as relation
    from public.system_health_alerts old
    where old.created_at < p_now - make_interval(days => greatest(v_days, 31)) and old.created_at >= v_since
      and backup.is_own_alert_type(old.alert_type)
      and not backup.is_alert_open(to_jsonb(old), old.created_at::timestamptz)
    order by old.created_at limit p_most) as old
  where a.ctid = old.place and a.tableoid = old.relation;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- Tasks of runs and verifications that are over. Jobs of drills stay for a year more: by them the sweep finds scratch
-- databases that a drill has left on another server.
create or replace function backup.clear_work(p_now timestamptz, p_most integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_days integer := backup.setting_int('work_history_days', 30);
  v_before timestamptz := p_now - make_interval(days => v_days);
  v_tasks integer;
  v_jobs integer;
begin
  if v_days <= 0 then
    return 0;
  end if;
  delete from backup.task where id in (
    select t.id from backup.task t
    where t.state in ('done', 'failed', 'cancelled') and coalesce(t.finished_at, t.created_at) < v_before
      and not exists (select from public.backup_log l where l.backup_id = t.backup_id and l.status = 'in_progress')
      and not exists (select from backup.task open
                      where open.verification_id = t.verification_id and open.state in ('pending', 'claimed'))
    order by t.id limit p_most);
  get diagnostics v_tasks = row_count;
  delete from backup.job where id in (
    select j.id from backup.job j
    where j.state in ('done', 'failed', 'cancelled')
      and j.ended_at < case j.kind when 'drill' then v_before - interval '1 year' else v_before end
      and not exists (select from backup.schedule_run r where r.job_id = j.id and r.ended_at is null)
      and not exists (select from pg_catalog.pg_database d
                      where j.kind = 'drill' and d.datname = backup.drill_database(j.id))
    order by j.ended_at limit p_most);
  get diagnostics v_jobs = row_count;
  return v_tasks + v_jobs;
end
$$;

create or replace function backup.clear_changes(p_now timestamptz, p_most integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_days integer := backup.setting_int('change_history_days', 90);
  v_count integer;
begin
  if v_days <= 0 then
    return 0;
  end if;
  delete from backup.change where id in (
    select id from backup.change where changed_at < p_now - make_interval(days => v_days) order by changed_at limit p_most);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- pg_cron keeps a row of every run for ever: the heartbeat alone makes half a million in a year. Only rows of commands
-- that call us are removed, and nothing where this role may not.
create or replace function backup.clear_cron_history(p_now timestamptz, p_most integer)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_days integer := backup.setting_int('cron_history_days', 7);
  v_count integer;
begin
  if v_days <= 0 or to_regclass('cron.job_run_details') is null
     or not has_table_privilege('cron.job_run_details', 'delete') then
    return 0;
  end if;
  delete from cron.job_run_details where runid in (
    select runid from cron.job_run_details
    where command ~ '\mselect backup\.(tick|start_due|keep_snapshot)\(' and database = current_database()
      and coalesce(end_time, start_time) < p_now - make_interval(days => v_days)
    order by runid limit p_most);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- The step of each tick: once an hour, and again with the next tick while there is more than one turn may take.
create or replace function backup.clear_history(p_now timestamptz default clock_timestamp(), p_most integer default 5000)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_cleared jsonb;
begin
  if exists (select from backup.heartbeat where name = 'clearing' and at > p_now - interval '1 hour' and at <= p_now) then
    return '{}';
  end if;
  v_cleared := jsonb_build_object(
    'alerts', backup.clear_alerts(p_now, p_most), 'work', backup.clear_work(p_now, p_most),
    'changes', backup.clear_changes(p_now, p_most), 'cron', backup.clear_cron_history(p_now, p_most));
  if not exists (select from jsonb_each(v_cleared) where value::integer >= p_most) then
    perform backup.beat('clearing');
  end if;
  return v_cleared;
end
$$;
comment on function backup.clear_history(timestamptz, integer) is
  'Removes what is older than the settings alert_history_days, work_history_days, change_history_days and cron_history_days; 0 keeps all.';
comment on table backup.heartbeat is
  'tick: the last tick that was carried through. evaluation: the last time that all checks were. clearing: the last time that old history was cleared away.';
insert into backup.tick_step (name, position) values ('clear_history', 95) on conflict (name) do nothing;
revoke all on all functions in schema backup from public;
