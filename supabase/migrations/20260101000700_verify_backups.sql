-- A verification is a row of public.backup_verification (success null while it runs) and tasks that share its id.
create or replace function backup.start_verification(p_backup_id text, p_kind text, p_batches jsonb, p_by uuid)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid := gen_random_uuid();
begin
  if p_kind not in ('quick', 'deep') then
    raise exception 'a verification is quick or deep: %', p_kind using errcode = '22023';
  end if;
  insert into public.backup_verification (id, backup_id, verification_type, verification_date, success, details, verified_by)
  values (v_id, p_backup_id, 'checksum', clock_timestamp(), null, jsonb_build_object('kind', p_kind), p_by);
  insert into backup.task (backup_id, kind, payload, verification_id)
  select p_backup_id, 'verify', jsonb_build_object('kind', p_kind) || batch.value, v_id
  from jsonb_array_elements(p_batches) as batch;
  return v_id;
end
$$;

-- Called whenever a verify task ends; the last one settles the verdict. A backup that fails it is no backup.
create or replace function backup.settle_verification(p_verification_id uuid)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_row public.backup_verification;
  v_problems jsonb;
  v_sums record;
begin
  select * into v_row from public.backup_verification where id = p_verification_id for update;
  if not found or v_row.success is not null or exists (
    select from backup.task where verification_id = p_verification_id and state in ('pending', 'claimed')
  ) then
    return;
  end if;
  select coalesce(jsonb_agg(problem.value), '[]') into v_problems
  from backup.task t, jsonb_array_elements(coalesce(t.result -> 'problems', '[]')) as problem
  where t.verification_id = p_verification_id;
  select
    coalesce(sum((result ->> 'objects')::bigint), 0) as objects,
    coalesce(sum((result ->> 'bytes')::bigint), 0) as bytes,
    coalesce(sum((result ->> 'hashed')::bigint), 0) as hashed,
    count(*) filter (where state = 'failed') as failed,
    min(error ->> 'message') filter (where state = 'failed') as failure
  into v_sums from backup.task where verification_id = p_verification_id;

  -- A verification that could not be carried out says so; it is neither passed nor failed.
  update public.backup_verification
  set success = case when v_problems <> '[]' then false when v_sums.failed > 0 then null else true end,
      details = details || jsonb_build_object(
        'state', case when v_problems <> '[]' then 'failed' when v_sums.failed > 0 then 'inconclusive' else 'passed' end,
        'objects', v_sums.objects, 'bytes', v_sums.bytes, 'objects_hashed', v_sums.hashed,
        'problems', v_problems, 'inconclusive_because', v_sums.failure, 'ended_at', clock_timestamp())
  where id = p_verification_id;

  if v_problems <> '[]' then
    update public.backup_log
    set status = 'failed',
        error = jsonb_build_object('code', 'VERIFICATION_FAILED', 'kind', 'permanent',
          'message', format('%s of its objects are not as they were written', jsonb_array_length(v_problems)),
          'hint', 'Take a new backup at once, then find out who changed the store.')
    where backup_id = v_row.backup_id and status in ('completed', 'completed_with_limits');
    perform backup.announce('backup_verification_failed', 'critical',
      format('backup %s fails verification', v_row.backup_id),
      jsonb_build_object('backup_id', v_row.backup_id, 'problems', v_problems));
  end if;
end
$$;

create or replace function backup.finish_verify_task(p_task_id bigint, p_token uuid, p_result jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_task backup.task := backup.held_task(p_task_id, p_token);
begin
  update backup.task
  set state = 'done', result = p_result, finished_at = clock_timestamp(), lease_token = null, lease_until = null
  where id = p_task_id;
  perform backup.settle_verification(v_task.verification_id);
end
$$;

-- The name and signature of the WedSync plan: starts a test of the backup and says whether the last ended one passed.
create or replace function public.test_backup_restoration(p_backup_id text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  if not exists (select from public.backup_log where backup_id = p_backup_id
                 and status in ('completed', 'completed_with_limits')) then
    raise exception 'there is no completed backup %', p_backup_id
      using errcode = 'P0002', hint = 'select backup_id, status from public.backup_log order by started_at desc';
  end if;
  insert into public.backup_tests (backup_id, test_type, test_environment, notes)
  values (p_backup_id, 'integrity_check', 'store', 'every stored byte is read and hashed');
  perform backup.start_verification(p_backup_id, 'deep', '[{"plan": true}]', null);
  perform backup.dispatch();
  return (select success from public.backup_verification
          where backup_id = p_backup_id and success is not null
          order by verification_date desc limit 1);
end
$$;
comment on function public.test_backup_restoration(text) is
  'Starts a deep check of the stored bytes (recorded in backup_verification) and returns the newest verdict there is, or null.';
revoke all on function public.test_backup_restoration(text) from public;
