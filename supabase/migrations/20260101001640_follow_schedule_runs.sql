-- What becomes of a begun time: its run and the run's retries, then the verification. Only a verified backup is a success.
create index if not exists backup_log_retries on public.backup_log (retry_of) where retry_of is not null;

create or replace function backup.follow_schedule_run(p_schedule backup.schedule, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run backup.schedule_run;
  v_log public.backup_log;
  v_retry text;
begin
  select * into v_run from backup.schedule_run where name = p_schedule.name and state in ('running', 'verifying');
  if not found then
    return;
  end if;
  if v_run.job_id is not null then
    perform backup.follow_drill(v_run, p_now);
    return;
  end if;
  loop
    select backup_id into v_retry from public.backup_log where retry_of = v_run.backup_id order by started_at desc limit 1;
    exit when not found;
    v_run.backup_id := v_retry;
    v_run.attempts := v_run.attempts + 1;
  end loop;
  select * into v_log from public.backup_log where backup_id = v_run.backup_id;
  v_run.checks := backup.settle_means_checks(v_run.checks, v_log);
  update backup.schedule_run
  set backup_id = v_run.backup_id, attempts = v_run.attempts, checks = v_run.checks,
      verification_id = case when backup_id = v_run.backup_id then verification_id end,
      state = case when v_log.status in ('completed', 'completed_with_limits') then 'verifying' else 'running' end
  where name = v_run.name and due_at = v_run.due_at
  returning * into v_run;
  if v_log.backup_id is null then
    perform backup.fail_schedule_run(v_run, 'its run is no longer in the ledger', p_now);
  elsif v_log.status = 'cancelled' then
    update backup.schedule_run set state = 'cancelled', reason = v_log.error ->> 'message', ended_at = p_now
    where name = v_run.name and due_at = v_run.due_at;
  elsif v_log.status = 'failed' then
    perform backup.retry_schedule_run(v_run, v_log.error, p_now);
  elsif v_log.status <> 'in_progress' then
    perform backup.follow_verification(p_schedule, v_run, p_now);
  end if;
end
$$;

-- A run that failed for good: tried again later where that may help, else the time has failed. Before this, fail_run()
-- tried again within a minute; what lasts longer (a store that is down) is given longer.
create or replace function backup.retry_schedule_run(p_run backup.schedule_run, p_error jsonb, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_reason text := coalesce(p_error ->> 'message', 'it failed');
  v_at timestamptz := p_now
    + make_interval(mins => backup.setting_int('schedule_retry_minutes', 5)) * (2 ^ least(p_run.attempts - 1, 6));
begin
  if p_run.attempts > backup.setting_int('schedule_retries', 3)
     or not (p_error ->> 'kind' = 'transient' or p_error ->> 'code' = 'VERIFICATION_FAILED')
     or exists (select from backup.schedule_run where name = p_run.name and state = 'waiting') then
    perform backup.fail_schedule_run(p_run, v_reason, p_now);
    return;
  end if;
  update backup.schedule_run
  set state = 'waiting', blocked = true, not_before = v_at,
      reason = format('attempt %s failed: %s', p_run.attempts, v_reason)
  where name = p_run.name and due_at = p_run.due_at;
end
$$;

create or replace function backup.follow_verification(p_schedule backup.schedule, p_run backup.schedule_run, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_found public.backup_verification;
  v_kind text;
  v_tried integer;
begin
  select * into v_found from public.backup_verification
  where backup_id = p_run.backup_id and (p_run.verification_id is null or id = p_run.verification_id)
  order by verification_date limit 1;
  v_kind := coalesce(v_found.details ->> 'kind', 'quick');
  if v_found.success then
    if not p_schedule.deep_verification or v_kind = 'deep' then
      update backup.schedule_run set state = 'succeeded', ended_at = p_now, reason = null
      where name = p_run.name and due_at = p_run.due_at;
      return;
    end if;
    v_kind := 'deep';
  elsif v_found.success is false then
    -- It says so in backup_log too, when no operator had ended that row otherwise.
    perform backup.retry_schedule_run(p_run,
      '{"code": "VERIFICATION_FAILED", "kind": "permanent", "message": "its objects are not as they were written"}', p_now);
    return;
  elsif v_found.id is not null and v_found.details ->> 'state' is null then
    return; -- it goes on
  else
    select count(*) into v_tried from public.backup_verification
    where backup_id = p_run.backup_id and details ->> 'state' = 'inconclusive';
    if v_tried > backup.setting_int('schedule_retries', 3) then
      perform backup.fail_schedule_run(p_run, 'its verification could not be carried out', p_now);
      return;
    end if;
  end if;
  update backup.schedule_run
  set verification_id = backup.start_verification(p_run.backup_id, v_kind, '[{"plan": true}]', null)
  where name = p_run.name and due_at = p_run.due_at;
end
$$;

create or replace function backup.follow_drill(p_run backup.schedule_run, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_job backup.job;
begin
  select * into v_job from backup.job where id = p_run.job_id;
  if v_job.state in ('pending', 'claimed') then
    return;
  end if;
  if v_job.state = 'cancelled' then
    update backup.schedule_run set state = 'cancelled', reason = v_job.error ->> 'message', ended_at = p_now
    where name = p_run.name and due_at = p_run.due_at;
  elsif v_job.state = 'done' and v_job.result ->> 'verdict' = 'passed' then
    update backup.schedule_run set state = 'succeeded', ended_at = p_now where name = p_run.name and due_at = p_run.due_at;
  elsif v_job.state = 'done' then
    perform backup.fail_schedule_run(p_run,
      case v_job.result ->> 'verdict' when 'failed' then 'the drill found problems' else 'the drill was inconclusive' end
        || ': see public.backup_tests', p_now);
  else
    perform backup.retry_schedule_run(p_run,
      coalesce(v_job.error, '{"kind": "permanent", "message": "its job is no longer there"}'), p_now);
  end if;
end
$$;

-- One schedule, brought up to p_now: what runs is followed, what is due gets its row, what waits begins. Idempotent.
create or replace function backup.serve_schedule(p_schedule backup.schedule, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform backup.follow_schedule_run(p_schedule, p_now);
  perform backup.enlist_due(p_schedule, p_now);
  perform backup.begin_waiting(p_schedule, p_now);
end
$$;

-- What the pg_cron jobs call. Returns the newest due time and what became of it.
create or replace function backup.start_due(p_name text, p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_schedule backup.schedule := backup.find_schedule(p_name);
begin
  select * into v_schedule from backup.schedule where name = p_name for update;
  perform backup.serve_schedule(v_schedule, p_now);
  perform backup.dispatch();
  return (select to_jsonb(r) - 'checks' from backup.schedule_run r where name = p_name order by due_at desc limit 1);
end
$$;
comment on function backup.start_due(text, timestamptz) is
  'Begins what is due of a schedule; calling it more often changes nothing.';

-- All schedules, as the heartbeat sees them. One that fails is told once an hour and does not stop the others. It starts
-- no worker and waits for no lock: tick does the first at its end, and whoever holds the row is doing the same work.
create or replace function backup.serve_schedules(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_name text;
  v_schedule backup.schedule;
  v_failed jsonb := '{}';
begin
  for v_name in select name from backup.schedule order by name loop
    begin
      select * into v_schedule from backup.schedule where name = v_name for update skip locked;
      if found then
        perform backup.serve_schedule(v_schedule, p_now);
      end if;
    exception when others then
      v_failed := v_failed || jsonb_build_object(v_name, sqlerrm);
      if not exists (select from public.system_health_alerts
                     where alert_type = 'schedule_broken' and event_data ->> 'schedule' = v_name
                       and created_at > clock_timestamp() - interval '1 hour') then
        perform backup.announce('schedule_broken', 'critical', format('schedule %s cannot be served: %s', v_name, sqlerrm),
          jsonb_build_object('schedule', v_name, 'code', sqlstate));
      end if;
    end;
  end loop;
  delete from backup.schedule_run where due_at < p_now - interval '2 years' and ended_at is not null;
  return jsonb_build_object('failed', v_failed);
end
$$;

-- pg_cron jobs are made from the rows, and again when somebody changed or removed them. Returns how many were changed.
create or replace function backup.materialise_schedules()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_job record;
  v_changed integer := 0;
begin
  if to_regclass('cron.job') is null or to_regprocedure('cron.schedule(text, text, text)') is null then
    return 0; -- the heartbeat of whoever calls tick() finds what is due
  end if;
  -- One at a time: whoever waited sees what the other did, and removes no job that is being removed.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.schedule_jobs', 0));
  for v_job in
    select s.name, j.jobid, s.cron, format('select backup.start_due(%L)', s.name) as command
    from (select * from backup.schedule s where backup.schedule_idle_reason(s) is null) as s
    full join (
      select * from cron.job
      where username = current_user and jobname like 'holdfast-%' and command like 'select backup.start_due(%'
    ) as j on j.jobname = 'holdfast-' || s.name
    where s.name is null or j.jobid is null or not j.active or j.schedule <> s.cron
      or j.command <> format('select backup.start_due(%L)', s.name)
    order by s.name, j.jobid
  loop
    if v_job.jobid is not null then
      perform cron.unschedule(v_job.jobid);
    end if;
    if v_job.name is not null then
      begin
        perform cron.schedule('holdfast-' || v_job.name, v_job.cron, v_job.command);
      exception when invalid_parameter_value then
        continue; -- before pg_cron 1.5 there is no $; the heartbeat begins what pg_cron cannot read
      end;
    end if;
    v_changed := v_changed + 1;
  end loop;
  return v_changed;
end
$$;
comment on function backup.materialise_schedules() is 'Makes the pg_cron jobs those of the schedules; the heartbeat calls it too.';

create or replace function backup.tick_schedules()
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  return backup.serve_schedules() || jsonb_build_object('cron_jobs_changed', backup.materialise_schedules());
end
$$;
insert into backup.tick_step (name, position) values ('tick_schedules', 10) on conflict (name) do nothing;

-- The moment in which the project is configured: schedules begin to count, and nothing of before is owed.
create or replace function backup.begin_schedules()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update backup.schedule set checked_until = greatest(checked_until, clock_timestamp());
  begin
    perform backup.materialise_schedules();
  exception when others then
    raise warning 'the schedules could not be given to pg_cron: %', sqlerrm using hint = 'The heartbeat tries again each minute.';
  end;
  return null;
end
$$;
create or replace trigger begin_schedules after insert on backup.setting
  for each row when (new.name = 'functions_url') execute function backup.begin_schedules();

revoke all on all functions in schema backup from public;
select backup.materialise_schedules();
