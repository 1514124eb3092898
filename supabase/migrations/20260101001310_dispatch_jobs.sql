-- How long a worker that found nothing due would wait for the next job; null: there is none, or no place for it.
create or replace function backup.next_job_due_in_ms(p_function text)
returns numeric
language sql
volatile
set search_path = ''
as $$
  select case when count(*) > 0 then greatest(0, 1000 * extract(epoch from min(j.not_before) - clock_timestamp())) end
  from backup.job j
  join backup.job_kind k on k.kind = j.kind and k.function_name = p_function
  where j.state = 'pending' and k.parallelism > (
    select count(*) from backup.job held
    where held.kind = j.kind and held.state = 'claimed' and held.lease_until > clock_timestamp())
$$;

-- The same for tasks; it said 0 instead of null before, because greatest() passes over null.
create or replace function backup.next_task_due_in_ms()
returns numeric
language sql
volatile
set search_path = ''
as $$
  select case when count(*) > 0 then greatest(0, 1000 * extract(epoch from min(not_before) - clock_timestamp())) end
  from backup.task
  where state = 'pending'
    and backup.setting_int('parallelism', 2)
      > (select count(*) from backup.task where state = 'claimed' and lease_until > clock_timestamp())
$$;

-- Calls the functions that have work. The requests leave after commit; the queue of pg_net carries a ticket and no key.
create or replace function backup.dispatch_jobs()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_url text := (select value #>> '{}' from backup.setting where name = 'functions_url');
  v_function text;
  v_token text;
  v_called integer := 0;
begin
  if v_url is null or to_regnamespace('net') is null then
    return 0;
  end if;
  for v_function in select distinct function_name from backup.job_kind order by 1 loop
    for v_token in select backup.issue_job_tickets(v_function) loop
      perform net.http_post(
        url := v_url || '/' || v_function || '/work',
        body := jsonb_build_object('ticket', v_token),
        headers := '{"content-type": "application/json"}'::jsonb,
        timeout_milliseconds := 10000);
      v_called := v_called + 1;
    end loop;
  end loop;
  return v_called;
end
$$;

create or replace function backup.tick_jobs()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_job backup.job;
  v_expired integer := 0;
begin
  for v_job in
    select * from backup.job where state = 'claimed' and lease_until < clock_timestamp() for update skip locked
  loop
    perform backup.retry_or_fail_job(v_job, jsonb_build_object(
      'code', 'TASK_ABANDONED', 'kind', 'transient',
      'message', format('the worker of %s job %s ended before its lease did', v_job.kind, v_job.id),
      'hint', 'See the logs of the edge function.'));
    v_expired := v_expired + 1;
  end loop;
  delete from backup.job_ticket where expires_at < clock_timestamp() - interval '1 hour';
  return jsonb_build_object('expired_leases', v_expired, 'functions_called', backup.dispatch_jobs());
end
$$;

-- What the heartbeat does besides backups. A step that fails is announced (once an hour) and does not stop the others.
create table if not exists backup.tick_step (
  name text primary key,
  position integer not null
);
alter table backup.tick_step enable row level security;
comment on table backup.tick_step is 'Functions of the schema backup, without arguments, that every tick calls in this order.';
insert into backup.tick_step (name, position) values ('tick_jobs', 90) on conflict (name) do nothing;

create or replace function backup.run_tick_steps()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_step text;
  v_answer jsonb;
  v_done jsonb := '{}';
begin
  for v_step in select name from backup.tick_step order by position, name loop
    begin
      execute format('select to_jsonb(backup.%I())', v_step) into v_answer;
      v_done := v_done || jsonb_build_object(v_step, v_answer);
    exception when others then
      v_done := v_done || jsonb_build_object(v_step, jsonb_build_object('error', sqlerrm, 'code', sqlstate));
      if not exists (select from public.system_health_alerts
                     where alert_type = 'tick_step_failed' and event_data ->> 'step' = v_step
                       and created_at > clock_timestamp() - interval '1 hour') then
        perform backup.announce('tick_step_failed', 'critical', format('%s of the heartbeat fails: %s', v_step, sqlerrm),
          jsonb_build_object('step', v_step, 'code', sqlstate));
      end if;
    end;
  end loop;
  return v_done;
end
$$;

-- The heartbeat as before (20260101000900), and then its steps.
create or replace function backup.tick()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task;
  v_run record;
  v_expired integer := 0;
begin
  for v_task in
    select * from backup.task where state = 'claimed' and lease_until < clock_timestamp() order by backup_id, id
  loop
    -- The run's row first, as everywhere: a worker that finishes at this moment takes its locks in this order.
    perform from public.backup_log where backup_id = v_task.backup_id for update;
    perform from backup.task
    where id = v_task.id and state = 'claimed' and lease_token = v_task.lease_token and lease_until < clock_timestamp()
    for update;
    continue when not found;
    perform backup.retry_or_fail(v_task, jsonb_build_object(
      'code', 'TASK_ABANDONED', 'kind', 'transient',
      'message', format('the worker of %s task %s ended before its lease did', v_task.kind, v_task.id),
      'hint', 'See the logs of the backup-worker function.'));
    v_expired := v_expired + 1;
  end loop;

  for v_run in
    select backup_id, stage, way from public.backup_log where status = 'in_progress' order by started_at
  loop
    if v_run.stage = 'copying' and v_run.way = 'keeper' and backup.keeper_snapshot(v_run.backup_id) is null then
      perform backup.fail_run(v_run.backup_id, jsonb_build_object(
        'code', 'KEEPER_LOST', 'kind', 'transient', 'message', 'the session that held the snapshot has ended',
        'hint', 'The run is retried whole; look for restarts of the database.'));
    else
      perform backup.advance_run(v_run.backup_id);
    end if;
  end loop;

  if to_regclass('cron.job') is not null then
    perform cron.unschedule(j.jobid)
    from cron.job j
    where j.jobname like 'holdfast-keeper-%'
      and not backup.run_needs_keeper(substr(j.jobname, length('holdfast-keeper-') + 1))
      and backup.keeper_snapshot(substr(j.jobname, length('holdfast-keeper-') + 1)) is null;
  end if;

  delete from backup.ticket where expires_at < clock_timestamp() - interval '1 hour';
  return jsonb_build_object('expired_leases', v_expired) || jsonb_build_object('steps', backup.run_tick_steps())
    || jsonb_build_object('workers_called', backup.dispatch());
end
$$;
revoke all on all functions in schema backup from public;
