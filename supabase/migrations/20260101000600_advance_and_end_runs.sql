-- queued -> planning -> copying -> finishing -> done. A stage ends when its last open task does.
create or replace function backup.advance_run(p_backup_id text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_stage text;
begin
  select stage into v_stage from public.backup_log
  where backup_id = p_backup_id and status = 'in_progress'
  for update;
  if not found or exists (
    select from backup.task
    where backup_id = p_backup_id and verification_id is null and state in ('pending', 'claimed')
  ) then
    return;
  end if;
  if v_stage = 'copying' then
    update public.backup_log set stage = 'finishing' where backup_id = p_backup_id;
    insert into backup.task (backup_id, kind) values (p_backup_id, 'finish');
  end if;
end
$$;

create or replace function backup.announce(p_type text, p_severity text, p_message text, p_data jsonb)
returns void
language sql
set search_path = ''
as $$
  insert into public.system_health_alerts (alert_type, severity, message, event_data)
  values (p_type, p_severity, p_message, p_data)
$$;

-- The manifest is in the store: only now is the run a backup. Its first verification starts in the same transaction.
create or replace function backup.complete_run(
  p_task_id bigint, p_token uuid, p_objects jsonb, p_totals jsonb, p_verify jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task := backup.held_task(p_task_id, p_token);
  v_run public.backup_log;
begin
  perform backup.finish_task(p_task_id, p_token, p_objects);
  update public.backup_log
  set status = case when limits = '[]' then 'completed' else 'completed_with_limits' end,
      stage = 'done',
      completed_at = clock_timestamp(),
      manifest_sha256 = p_totals ->> 'manifest_sha256',
      table_count = (p_totals ->> 'tables')::integer,
      row_count = (p_totals ->> 'rows')::bigint,
      object_count = (p_totals ->> 'objects')::integer,
      raw_bytes = (p_totals ->> 'raw_bytes')::bigint,
      stored_bytes = (p_totals ->> 'stored_bytes')::bigint
  where backup_id = v_task.backup_id and status = 'in_progress'
  returning * into v_run;
  if not found then
    raise exception 'backup % is not in progress', v_task.backup_id using errcode = 'HF001';
  end if;
  perform backup.announce('backup_completed', 'info', format('backup %s %s', v_run.backup_id, v_run.status),
    jsonb_build_object(
      'backup_id', v_run.backup_id, 'backup_type', v_run.backup_type, 'status', v_run.status,
      'duration_seconds', round(extract(epoch from v_run.completed_at - v_run.started_at))::integer,
      'tables', v_run.table_count, 'rows', v_run.row_count,
      'raw_bytes', v_run.raw_bytes, 'stored_bytes', v_run.stored_bytes, 'location', v_run.location));
  perform backup.start_verification(v_run.backup_id, 'quick', p_verify, null);
end
$$;

-- A run ends badly: its open tasks are void, and a clean task removes what it stored, after the last lease is over.
create or replace function backup.end_run(p_backup_id text, p_status text, p_error jsonb)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_quiet_at timestamptz;
begin
  update public.backup_log
  set status = p_status, stage = 'done', completed_at = clock_timestamp(), error = p_error
  where backup_id = p_backup_id and status = 'in_progress';
  if not found then
    return false;
  end if;
  select max(lease_until) into v_quiet_at from backup.task where backup_id = p_backup_id and state = 'claimed';
  update backup.task set state = 'cancelled', finished_at = clock_timestamp(), lease_token = null
  where backup_id = p_backup_id and state in ('pending', 'claimed');
  delete from backup.segment where backup_id = p_backup_id;
  insert into backup.task (backup_id, kind, payload, not_before)
  values (p_backup_id, 'clean', '{}', greatest(coalesce(v_quiet_at, clock_timestamp()), clock_timestamp()));
  return true;
end
$$;

create or replace function backup.fail_run(p_backup_id text, p_error jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run public.backup_log;
begin
  if not backup.end_run(p_backup_id, 'failed', p_error) then
    return;
  end if;
  select * into v_run from public.backup_log where backup_id = p_backup_id;
  perform backup.announce('backup_failed', 'critical', format('backup %s failed: %s', p_backup_id, p_error ->> 'message'),
    jsonb_build_object(
      'backup_id', p_backup_id, 'backup_type', v_run.backup_type, 'error', p_error, 'attempt', v_run.attempt,
      'duration_seconds', round(extract(epoch from v_run.completed_at - v_run.started_at))::integer));
  if p_error ->> 'kind' = 'transient' and v_run.attempt < backup.setting_int('run_attempts', 3) then
    perform backup.start_run(v_run.request, v_run.created_by, p_backup_id);
  end if;
end
$$;

create or replace function backup.cancel_run(p_backup_id text, p_by uuid default null)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform from public.backup_log where backup_id = p_backup_id for update;
  return backup.end_run(p_backup_id, 'cancelled', jsonb_build_object(
    'code', 'CANCELLED', 'kind', 'permanent', 'message', 'cancelled by an operator', 'by', p_by));
end
$$;
comment on function backup.cancel_run(text, uuid) is 'Ends a run and removes what it stored; false when it is not in progress.';
