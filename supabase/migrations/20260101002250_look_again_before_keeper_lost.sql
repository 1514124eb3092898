-- The heartbeat as before (20260101001310). A keeper leaves when its run leaves the copying stage: whoever finds none looks
-- at the run again, in its row's lock, before it gives up rows that are all copied.
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
      perform from public.backup_log
      where backup_id = v_run.backup_id and status = 'in_progress' and stage = 'copying'
      for update;
      continue when not found;
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
