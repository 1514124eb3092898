-- A due time's life: waiting -> running -> verifying -> succeeded | failed | cancelled; waiting -> superseded | skipped.
-- Every function here is called with the row of the schedule locked (serve_schedule does it), so nothing happens twice.
create or replace function backup.find_schedule(p_name text)
returns backup.schedule
language plpgsql
stable
set search_path = ''
as $$
declare
  v_schedule backup.schedule;
begin
  select * into v_schedule from backup.schedule where name = p_name;
  if not found then
    raise exception 'there is no schedule %', coalesce(p_name, 'null')
      using errcode = 'P0002',
            hint = 'There are: ' || (select string_agg(name, ', ' order by name) from backup.schedule) || '.';
  end if;
  return v_schedule;
end
$$;

-- Why nothing of a schedule is due at all; null: it is on duty.
create or replace function backup.schedule_idle_reason(p_schedule backup.schedule)
returns text
language sql
stable
set search_path = ''
as $$
  select case
    when not p_schedule.available then 'not installed'
    when not p_schedule.enabled then 'disabled'
    when not exists (select from backup.setting where name = 'functions_url') then 'not configured'
  end
$$;

-- The window that holds a schedule at a moment, the longest one first; null when there is none.
create or replace function backup.maintenance_at(p_name text, p_at timestamptz)
returns backup.maintenance_window
language sql
stable
set search_path = ''
as $$
  select w from backup.maintenance_window w
  where w.starts_at <= p_at and w.ends_at > p_at and (w.schedules is null or p_name = any (w.schedules))
  order by w.ends_at desc limit 1
$$;

-- Gives every due time since the last look its row. Older than 400 days, or before the newest 10000, is history and not
-- a backup that is owed: the first look after a year's pause stays well within the limit of a statement.
create or replace function backup.enlist_due(p_schedule backup.schedule, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_after timestamptz := greatest(p_schedule.checked_until, p_now - interval '400 days');
  v_due timestamptz[];
  v_paused integer;
  v_newest timestamptz;
begin
  if p_now <= p_schedule.checked_until then
    return;
  end if;
  update backup.schedule set checked_until = p_now where name = p_schedule.name;
  if backup.schedule_idle_reason(p_schedule) is not null then
    return;
  end if;
  v_due := array(select * from backup.cron_due(p_schedule.cron, v_after, p_now));
  v_due := v_due[greatest(cardinality(v_due) - 9999, 1):];
  v_paused := (select count(*) from unnest(v_due) as at where at <= p_schedule.paused_until);
  v_newest := v_due[cardinality(v_due)];
  if v_newest is null then
    return;
  end if;
  if v_paused < cardinality(v_due) then
    perform backup.supersede_waiting(p_schedule.name, p_now);
  end if;
  insert into backup.schedule_run (name, due_at, state, reason, ended_at)
  select p_schedule.name, due.at,
    case when due.ordinality <= v_paused then 'skipped' when due.at < v_newest then 'superseded' else 'waiting' end,
    case when due.ordinality <= v_paused then 'paused' when due.at < v_newest then 'missed, and a later time is made up instead' end,
    case when due.ordinality <= v_paused or due.at < v_newest then p_now end
  from unnest(v_due) with ordinality as due(at, ordinality)
  on conflict (name, due_at) do nothing;
  -- The heartbeat looks each minute: a time that nobody saw for ten was missed.
  if v_paused < cardinality(v_due) and v_due[v_paused + 1] < p_now - interval '10 minutes' then
    perform backup.announce('schedule_missed', 'warning',
      format('%s of schedule %s missed; the newest is made up',
        cardinality(v_due) - v_paused || case when cardinality(v_due) - v_paused = 1 then ' time' else ' times' end, p_schedule.name),
      jsonb_build_object('schedule', p_schedule.name, 'first_due_at', v_due[v_paused + 1], 'newest_due_at', v_newest,
        'missed', cardinality(v_due) - v_paused,
        'hint', 'The project was paused or restarted, or pg_cron stood still: select * from cron.job_run_details order by runid desc limit 20.'));
  end if;
end
$$;

-- A later time came before the waiting one could begin. One that something was wrong with has failed, it is not merely late.
create or replace function backup.supersede_waiting(p_name text, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run backup.schedule_run;
begin
  select * into v_run from backup.schedule_run where name = p_name and state = 'waiting';
  if not found then
    return;
  end if;
  if v_run.blocked then
    perform backup.fail_schedule_run(v_run, v_run.reason, p_now);
  else
    update backup.schedule_run
    set state = 'superseded', ended_at = p_now, reason = concat_ws('; ', v_run.reason, 'a later time came first')
    where name = p_name and due_at = v_run.due_at;
  end if;
end
$$;

-- The end of a due time that brought no verified backup, or no passed drill: told once, and louder with each in a row.
create or replace function backup.fail_schedule_run(p_run backup.schedule_run, p_reason text, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_level integer;
  v_error jsonb;
begin
  update backup.schedule_run set state = 'failed', reason = p_reason, ended_at = p_now, not_before = null
  where name = p_run.name and due_at = p_run.due_at;
  select count(*) into v_level from backup.schedule_run r
  where r.name = p_run.name and r.state = 'failed'
    and r.due_at > coalesce((select max(s.due_at) from backup.schedule_run s where s.name = p_run.name and s.state = 'succeeded'), '-infinity');
  select error into v_error from public.backup_log where backup_id = p_run.backup_id;
  perform backup.announce('schedule_failed', 'critical',
    format('schedule %s failed at its time %s: %s', p_run.name,
      to_char(p_run.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), p_reason),
    jsonb_build_object('schedule', p_run.name, 'due_at', p_run.due_at, 'backup_id', p_run.backup_id, 'job_id', p_run.job_id,
      'attempts', p_run.attempts, 'reason', p_reason, 'error_code', v_error ->> 'code', 'hint', v_error ->> 'hint',
      'escalation_level', least(v_level, 3), 'failed_in_a_row', v_level));
end
$$;

-- Begins the waiting time of a schedule, if there is one and nothing is in its way.
create or replace function backup.begin_waiting(p_schedule backup.schedule, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run backup.schedule_run;
  v_window backup.maintenance_window;
  v_checks jsonb;
  v_obstacle jsonb;
begin
  select * into v_run from backup.schedule_run where name = p_schedule.name and state = 'waiting';
  if not found or v_run.not_before > p_now
     or exists (select from backup.schedule_run where name = p_schedule.name and state in ('running', 'verifying')) then
    return;
  end if;
  if v_run.attempts = 0 then
    if backup.schedule_idle_reason(p_schedule) is not null or p_schedule.paused_until > p_now then
      update backup.schedule_run set state = 'skipped', ended_at = p_now,
        reason = coalesce(backup.schedule_idle_reason(p_schedule), 'paused')
      where name = v_run.name and due_at = v_run.due_at;
      return;
    end if;
    if v_run.due_at < p_now - p_schedule.grace then
      if v_run.blocked then
        perform backup.fail_schedule_run(v_run, v_run.reason, p_now);
      else
        perform backup.skip_schedule_run(v_run,
          format('%s late, more than its grace of %s', date_trunc('minute', p_now - v_run.due_at), p_schedule.grace), p_now);
      end if;
      return;
    end if;
  end if;
  v_window := backup.maintenance_at(p_schedule.name, p_now);
  if v_window.id is not null then
    update backup.schedule_run set reason = 'maintenance: ' || v_window.reason where name = v_run.name and due_at = v_run.due_at;
    return;
  end if;
  select coalesce(jsonb_agg(to_jsonb(c)), '[]') into v_checks from backup.preflight(p_schedule.name) as c;
  update backup.schedule_run set checks = v_checks where name = v_run.name and due_at = v_run.due_at;
  select value into v_obstacle from jsonb_array_elements(v_checks) where value ->> 'effect' is not null
  order by value ->> 'effect' limit 1; -- skip before wait
  if v_obstacle ->> 'effect' = 'skip' then
    perform backup.skip_schedule_run(v_run, v_obstacle ->> 'message', p_now);
  elsif v_obstacle is not null then
    perform backup.block_schedule_run(v_run, v_obstacle ->> 'message', v_obstacle ->> 'hint');
  else
    begin
      perform backup.begin_schedule_run(p_schedule, v_run, p_now);
    exception when others then
      perform backup.block_schedule_run(v_run, 'it could not be begun: ' || sqlerrm, null);
    end;
  end if;
end
$$;

create or replace function backup.skip_schedule_run(p_run backup.schedule_run, p_reason text, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update backup.schedule_run set state = 'skipped', reason = p_reason, ended_at = p_now
  where name = p_run.name and due_at = p_run.due_at;
  -- Once per cause: a project without critical tables is not told so every week.
  if not exists (select from backup.schedule_run where name = p_run.name and state = 'skipped' and reason = p_reason
                 and due_at < p_run.due_at) then
    perform backup.announce('schedule_skipped', 'warning', format('schedule %s was skipped: %s', p_run.name, p_reason),
      jsonb_build_object('schedule', p_run.name, 'due_at', p_run.due_at, 'reason', p_reason));
  end if;
end
$$;

-- It waits, and every heartbeat tries again until its grace is over or a later time comes; then it has failed.
create or replace function backup.block_schedule_run(p_run backup.schedule_run, p_reason text, p_hint text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  update backup.schedule_run set blocked = true, reason = p_reason where name = p_run.name and due_at = p_run.due_at;
  if not p_run.blocked then
    perform backup.announce('schedule_blocked', 'warning', format('schedule %s cannot begin: %s', p_run.name, p_reason),
      jsonb_build_object('schedule', p_run.name, 'due_at', p_run.due_at, 'reason', p_reason, 'hint', p_hint));
  end if;
end
$$;

create or replace function backup.begin_schedule_run(p_schedule backup.schedule, p_run backup.schedule_run, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_backup_id text := p_run.backup_id;
  v_test_id uuid;
  v_job_id uuid;
begin
  if p_schedule.work = 'backup' then
    v_backup_id := backup.start_run(
      p_schedule.request || jsonb_strip_nulls(jsonb_build_object(
        'scope', p_schedule.scope, 'cadence', p_schedule.cadence, 'reason', 'schedule ' || p_schedule.name,
        'codec', p_schedule.codec, 'format', p_schedule.format)),
      null, p_run.backup_id);
  elsif p_schedule.work = 'drill' then
    v_backup_id := backup.drill_subject(p_schedule.cadence);
    execute format('select %s($1, $2, $3)', backup.start_drill_function()::oid::regproc)
      into v_test_id using v_backup_id, case when p_schedule.cadence in ('weekly', 'monthly') then p_schedule.cadence else 'on-demand' end,
        null::uuid;
    select job_id into v_job_id from public.backup_tests where id = v_test_id;
  else
    raise exception 'the part that makes an % is not installed', p_schedule.work using errcode = '55000';
  end if;
  update backup.schedule_run
  set state = 'running', backup_id = v_backup_id, job_id = v_job_id, attempts = attempts + 1, blocked = false, reason = null,
      not_before = null, verification_id = null, began_at = coalesce(began_at, p_now),
      made_up = made_up or (attempts = 0 and p_now > due_at + interval '2 minutes')
  where name = p_run.name and due_at = p_run.due_at;
end
$$;
revoke all on all functions in schema backup from public;
