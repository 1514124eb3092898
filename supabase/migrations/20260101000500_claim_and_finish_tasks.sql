-- A task's life: pending -> claimed -> done | failed | cancelled, and back to pending when it is tried again.
-- Whoever finishes or fails a task shows its lease token; a worker that outlived its lease changes nothing.
create or replace function backup.claim_task(p_worker text)
returns setof backup.task
language sql
set search_path = ''
as $$
  update backup.task t
  set state = 'claimed',
      attempts = t.attempts + 1,
      lease_token = gen_random_uuid(),
      lease_until = clock_timestamp() + make_interval(secs => backup.setting_int('lease_seconds', 75)),
      worker = p_worker
  where t.id = (
    select id from backup.task
    where state = 'pending' and not_before <= clock_timestamp()
    order by id
    for update skip locked
    limit 1)
  returning t.*
$$;

create or replace function backup.held_task(p_task_id bigint, p_token uuid)
returns backup.task
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task;
begin
  select backup_id into v_task.backup_id from backup.task where id = p_task_id;
  -- The run's row first, always: finishing, failing and cancelling take their locks in one order.
  perform from public.backup_log where backup_id = v_task.backup_id for update;
  select * into v_task from backup.task
  where id = p_task_id and state = 'claimed' and lease_token = p_token
  for update;
  if not found then
    raise exception 'the lease of task % is lost', p_task_id using errcode = 'HF001';
  end if;
  return v_task;
end
$$;

create or replace function backup.extend_lease(p_task_id bigint, p_token uuid)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update backup.task
  set lease_until = clock_timestamp() + make_interval(secs => backup.setting_int('lease_seconds', 75))
  where id = p_task_id and state = 'claimed' and lease_token = p_token;
  return found;
end
$$;

-- Puts a task back without counting the attempt: it waits for something that is on its way.
create or replace function backup.defer_task(p_task_id bigint, p_token uuid, p_seconds numeric)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform backup.held_task(p_task_id, p_token);
  update backup.task
  set state = 'pending', attempts = attempts - 1, lease_token = null, lease_until = null,
      not_before = clock_timestamp() + make_interval(secs => p_seconds)
  where id = p_task_id;
end
$$;

-- Finishes a task in one transaction: what it stored, what is to be done next, and the run's next stage.
create or replace function backup.finish_task(
  p_task_id bigint, p_token uuid, p_objects jsonb default '[]', p_next jsonb default '[]',
  p_run jsonb default '{}', p_result jsonb default '{}')
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task := backup.held_task(p_task_id, p_token);
begin
  insert into backup.segment
    (backup_id, path, kind, schema_name, table_name, part, row_count, raw_bytes, stored_bytes, sha256, store_sha256, facts, task_id)
  select v_task.backup_id, o.path, o.kind, o.schema_name, o.table_name, o.part, o.row_count, o.raw_bytes,
         o.stored_bytes, o.sha256, o.store_sha256, o.facts, p_task_id
  from jsonb_to_recordset(p_objects) as o(
    path text, kind text, schema_name text, table_name text, part text, row_count bigint, raw_bytes bigint,
    stored_bytes bigint, sha256 text, store_sha256 text, facts jsonb);

  insert into backup.task (backup_id, kind, payload, verification_id)
  select v_task.backup_id, n.kind, coalesce(n.payload, '{}'), coalesce(n.verification_id, v_task.verification_id)
  from jsonb_to_recordset(p_next) as n(kind text, payload jsonb, verification_id uuid);

  update backup.task
  set state = 'done', result = p_result, finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where id = p_task_id;

  if p_run <> '{}' then
    update public.backup_log
    set stage = coalesce(p_run ->> 'stage', stage),
        folder = coalesce(p_run ->> 'folder', folder),
        way = coalesce(p_run ->> 'way', way),
        location = coalesce(p_run ->> 'location', location),
        consistency = coalesce(p_run -> 'consistency', consistency),
        catalog = coalesce(p_run -> 'catalog', catalog),
        limits = limits || coalesce(p_run -> 'limits', '[]'),
        table_count = coalesce((p_run ->> 'table_count')::integer, table_count),
        estimated_bytes = coalesce((p_run ->> 'estimated_bytes')::bigint, estimated_bytes)
    where backup_id = v_task.backup_id;
  end if;
  if v_task.verification_id is not null then
    perform backup.settle_verification(v_task.verification_id);
  end if;
  perform backup.advance_run(v_task.backup_id);
end
$$;

-- The plan: what the run copies, stored before its tasks are.
create or replace function backup.save_plan(p_task_id bigint, p_token uuid, p_tables jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task := backup.held_task(p_task_id, p_token);
begin
  delete from backup.run_table where backup_id = v_task.backup_id;
  insert into backup.run_table (backup_id, schema_name, table_name, estimated_bytes, estimated_rows, slices, facts)
  select v_task.backup_id, t.schema_name, t.table_name, t.estimated_bytes, t.estimated_rows, t.slices, t.facts
  from jsonb_to_recordset(p_tables) as t(
    schema_name text, table_name text, estimated_bytes bigint, estimated_rows bigint, slices integer, facts jsonb);
end
$$;

-- Transient errors are tried again with backoff; permanent ones, and the last attempt, fail the run.
create or replace function backup.fail_task(p_task_id bigint, p_token uuid, p_error jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task := backup.held_task(p_task_id, p_token);
begin
  perform backup.retry_or_fail(v_task, p_error);
end
$$;

create or replace function backup.retry_or_fail(p_task backup.task, p_error jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_run_lost boolean := p_error ->> 'code' in ('SNAPSHOT_LOST', 'KEEPER_LOST');
  v_again boolean := p_error ->> 'kind' = 'transient' and not v_run_lost
    and p_task.attempts < backup.setting_int('task_attempts', 3);
begin
  if v_again then
    update backup.task
    set state = 'pending', error = p_error, lease_token = null, lease_until = null,
        not_before = clock_timestamp() + make_interval(
          secs => backup.setting_int('retry_base_seconds', 5) * (2 ^ (p_task.attempts - 1)) * (0.5 + random()))
    where id = p_task.id;
    return;
  end if;
  update backup.task
  set state = 'failed', error = p_error, finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where id = p_task.id;
  if p_task.verification_id is not null then
    perform backup.settle_verification(p_task.verification_id);
  elsif p_task.kind <> 'clean' then
    perform backup.fail_run(p_task.backup_id, p_error);
  end if;
end
$$;
