-- Drills by function: a backup is tried out in slices, as a job of kind `drill`, and recorded in public.backup_tests.
insert into backup.job_kind (kind, function_name, parallelism, attempts, on_end)
values ('drill', 'backup-restore', 1, 5, 'end_drill'), ('drill_sweep', 'backup-restore', 1, 5, null)
on conflict (kind) do update set function_name = excluded.function_name, on_end = excluded.on_end;

-- What one slice may do, in stored bytes that could be hashed instead, and how long; and the rows of a backup in bytes.
insert into backup.setting (name, value)
values ('drill_slice_bytes', '40000000'), ('drill_slice_seconds', '40'), ('drill_max_bytes', '2000000000')
on conflict (name) do nothing;

alter table public.backup_tests add column if not exists job_id uuid;
alter table public.backup_tests add column if not exists status text;
alter table public.backup_tests add column if not exists report jsonb;
create index if not exists backup_tests_newest on public.backup_tests (started_at desc, id desc);
create unique index if not exists backup_tests_job on public.backup_tests (job_id) where job_id is not null;
comment on column public.backup_tests.status is 'in_progress, passed, failed, inconclusive or cancelled.';
comment on column public.backup_tests.report is 'Of a drill that has ended: what GET /backup-restore/drills/<id> answers.';

-- Starts a drill of a completed backup, or returns the one of it that is under way. The id is that of backup_tests.
create or replace function backup.start_drill(p_backup_id text, p_kind text default 'on-demand', p_by uuid default null)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_test uuid;
  v_job uuid;
begin
  if p_kind is null or p_kind not in ('weekly', 'monthly', 'on-demand') then
    raise exception 'the kind of a drill must be weekly, monthly or on-demand, not %', coalesce(quote_literal(p_kind), 'null')
      using errcode = '22023';
  end if;
  if not exists (select from public.backup_log where backup_id = p_backup_id
                 and status in ('completed', 'completed_with_limits')) then
    raise exception 'there is no completed backup %', p_backup_id
      using errcode = 'P0002', hint = 'select backup_id, status from public.backup_log order by started_at desc';
  end if;
  v_job := backup.start_job('drill', p_backup_id, jsonb_build_object('backup_id', p_backup_id, 'kind', p_kind), p_by);
  insert into public.backup_tests (backup_id, test_type, test_environment, started_at, tested_by, job_id, status)
  values (p_backup_id, p_kind, 'the function backup-restore', clock_timestamp(), p_by, v_job, 'in_progress')
  on conflict (job_id) where job_id is not null do nothing
  returning id into v_test;
  if v_test is null then
    select id into v_test from public.backup_tests where job_id = v_job;
  end if;
  return v_test;
end
$$;

-- Whatever becomes of the job, the test says it. One that could not be carried out (no answer of a store or a server, a
-- worker that died again and again, a setting) proves nothing against the backup. A scratch database that it may have
-- left is swept by a job of its own.
create or replace function backup.end_drill(p_job backup.job)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_result jsonb := coalesce(p_job.result, '{}');
  v_verdict text := case p_job.state
    when 'done' then coalesce(v_result ->> 'verdict', 'inconclusive')
    when 'cancelled' then 'cancelled'
    else case when p_job.error ->> 'kind' = 'transient' or p_job.error ->> 'code' in ('CONFIG_INVALID', 'DRILL_TOO_LARGE')
      then 'inconclusive' else 'failed' end end;
begin
  update public.backup_tests
  set completed_at = clock_timestamp(),
      status = v_verdict,
      success = case v_verdict when 'passed' then true when 'failed' then false end,
      test_type = case when v_result ->> 'mode' = 'stored-bytes' then 'integrity_check' else test_type end,
      test_environment = coalesce(v_result ->> 'environment', test_environment),
      errors = case when p_job.error is null then coalesce(v_result -> 'errors', '[]') else jsonb_build_array(p_job.error) end,
      data_verified = coalesce(v_result -> 'verified', '{}'),
      notes = coalesce(v_result ->> 'notes', case
        when v_verdict = 'inconclusive' then 'the drill could not be carried out: ' || (p_job.error ->> 'message')
        else p_job.error ->> 'message' end),
      report = v_result -> 'report'
  where job_id = p_job.id;
  if v_verdict = 'failed' then
    perform backup.announce('backup_drill_failed', 'critical', format('the drill of backup %s failed', p_job.subject),
      jsonb_build_object('backup_id', p_job.subject, 'job_id', p_job.id,
        'errors', case when p_job.error is null then v_result -> 'errors' else jsonb_build_array(p_job.error) end));
  end if;
  if p_job.state <> 'done' then
    perform backup.start_job('drill_sweep', 'leftovers', '{}', null, clock_timestamp() + interval '2 seconds');
  end if;
end
$$;

-- The scratch database of a drill has the first eight digits of its job in its name.
create or replace function backup.drill_database(p_job uuid)
returns text
language sql
immutable
set search_path = ''
as $$
  select 'holdfast_drill_' || left(p_job::text, 8)
$$;

-- Of drills of this project that have ended; those of another project on the same server are not its business.
create or replace function backup.ended_drill_databases()
returns setof text
language sql
stable
set search_path = ''
as $$
  select backup.drill_database(j.id)
  from backup.job j
  where j.kind = 'drill' and j.state in ('done', 'failed', 'cancelled')
    and not exists (select from backup.job other
                    where other.kind = 'drill' and other.state in ('pending', 'claimed')
                      and backup.drill_database(other.id) = backup.drill_database(j.id))
$$;

-- Of this server; what a sweep of another server could not reach is tried again.
create or replace function backup.sweep_drills()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_left integer;
begin
  select count(*) into v_left
  from pg_catalog.pg_database d where d.datname in (select name from backup.ended_drill_databases() as name);
  if v_left > 0 or exists (
    select from (select state, ended_at from backup.job where kind = 'drill_sweep' order by created_at desc limit 1) as newest
    where state = 'failed' and ended_at < clock_timestamp() - interval '10 minutes')
  then
    perform backup.start_job('drill_sweep', 'leftovers');
  end if;
  return v_left;
end
$$;
insert into backup.tick_step (name, position) values ('sweep_drills', 80) on conflict (name) do nothing;

-- The name and signature of the WedSync plan: starts a drill of the backup and says whether the last ended test passed.
-- Stored bytes that are well prove no restoration; damaged ones disprove it.
create or replace function public.test_backup_restoration(p_backup_id text)
returns boolean
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform backup.start_drill(p_backup_id, 'on-demand', null);
  perform backup.dispatch_jobs();
  return (select success from public.backup_tests
          where backup_id = p_backup_id and completed_at is not null
            and (success = false or success and test_type <> 'integrity_check')
          order by completed_at desc limit 1);
end
$$;
comment on function public.test_backup_restoration(text) is
  'Starts a drill (recorded in backup_tests) and returns the verdict of the newest test of the backup that has ended: null while there is none, or when nothing but stored bytes was proved.';
revoke all on function public.test_backup_restoration(text) from public;
revoke all on all functions in schema backup from public;
