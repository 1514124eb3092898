-- The heartbeat, each minute from pg_cron: puts right whatever a dead worker, a lost request or a restart left behind.
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
    select * from backup.task where state = 'claimed' and lease_until < clock_timestamp() for update skip locked
  loop
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
  return jsonb_build_object('expired_leases', v_expired, 'workers_called', backup.dispatch());
end
$$;

do $$
begin
  if to_regprocedure('cron.schedule(text, text, text)') is not null then
    perform cron.schedule('holdfast-tick', '* * * * *', 'select backup.tick()');
  end if;
end
$$;
