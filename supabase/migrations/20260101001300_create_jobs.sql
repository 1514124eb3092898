-- Jobs: work other than backups that goes on in slices (drills, exports of personal data, erasures, alerts). One row is
-- one job; each worker call claims it under a lease, does a slice, and puts it back with its progress. Whoever saves or
-- ends a job shows its lease token, so a worker that outlived its lease changes nothing.
create table if not exists backup.job_kind (
  kind text primary key,
  function_name text not null,
  parallelism integer not null default 1 check (parallelism between 1 and 64),
  attempts integer not null default 5 check (attempts between 1 and 100),
  on_end text
);
alter table backup.job_kind enable row level security;
comment on table backup.job_kind is 'Which edge function works on a kind of job, and how many at once.';
comment on column backup.job_kind.attempts is 'Slices that may fail in a row before the job fails.';
comment on column backup.job_kind.on_end is
  'A function of the schema backup that takes the ended job, called in the transaction in which it ends.';

create table if not exists backup.job (
  id uuid primary key default gen_random_uuid(),
  kind text not null references backup.job_kind,
  subject text,
  payload jsonb not null default '{}',
  progress jsonb not null default '{}',
  state text not null default 'pending' check (state in ('pending', 'claimed', 'done', 'failed', 'cancelled')),
  attempts integer not null default 0,
  not_before timestamptz not null default now(),
  lease_token uuid,
  lease_until timestamptz,
  worker text,
  error jsonb,
  result jsonb,
  created_by uuid,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);
alter table backup.job enable row level security;
create index if not exists job_due on backup.job (not_before, created_at) where state = 'pending';
create index if not exists job_leased on backup.job (lease_until) where state = 'claimed';
create index if not exists job_newest on backup.job (kind, created_at desc);
create unique index if not exists job_open_subject on backup.job (kind, subject) where state in ('pending', 'claimed');
comment on table backup.job is 'Work in slices; at most one open job per kind and subject.';
comment on column backup.job.attempts is 'Slices begun since the last progress.';

create table if not exists backup.job_ticket (
  token_sha256 bytea primary key,
  function_name text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
alter table backup.job_ticket enable row level security;
comment on table backup.job_ticket is 'Single-use permissions for one call of a function that works on jobs; only the hash is kept.';

-- Starts a job, or returns the open one of the same kind and subject.
create or replace function backup.start_job(
  p_kind text, p_subject text default null, p_payload jsonb default '{}', p_by uuid default null,
  p_not_before timestamptz default null)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
begin
  insert into backup.job (kind, subject, payload, created_by, not_before)
  values (p_kind, p_subject, p_payload, p_by, coalesce(p_not_before, clock_timestamp()))
  on conflict (kind, subject) where state in ('pending', 'claimed') do nothing
  returning id into v_id;
  if v_id is null then
    select id into v_id from backup.job
    where kind = p_kind and subject = p_subject and state in ('pending', 'claimed');
  end if;
  return v_id;
end
$$;

-- Due jobs of a function that may be begun now, the places of each kind counted.
create or replace function backup.startable_jobs(p_function text)
returns table (id uuid)
language sql
volatile
set search_path = ''
as $$
  select due.id
  from (
    select j.id, j.kind, j.not_before, row_number() over (partition by j.kind order by j.not_before, j.created_at, j.id) as place
    from backup.job j
    join backup.job_kind k on k.kind = j.kind and k.function_name = p_function
    where j.state = 'pending' and j.not_before <= clock_timestamp()
  ) as due
  join backup.job_kind k on k.kind = due.kind
  where due.place <= k.parallelism - (
    select count(*) from backup.job held
    where held.kind = due.kind and held.state = 'claimed' and held.lease_until > clock_timestamp())
  order by due.not_before, due.id
$$;

create or replace function backup.issue_job_tickets(p_function text, p_most integer default 16)
returns setof text
language plpgsql
set search_path = ''
as $$
declare
  v_free integer;
  v_token text;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.job_tickets', 0));
  select least(p_most, (select count(*) from backup.startable_jobs(p_function))
    - (select count(*) from backup.job_ticket
       where function_name = p_function and used_at is null and expires_at > clock_timestamp()))
  into v_free;
  for v_ordinal in 1 .. v_free loop
    v_token := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    insert into backup.job_ticket (token_sha256, function_name, expires_at)
    values (sha256(convert_to(v_token, 'UTF8')), p_function,
            clock_timestamp() + make_interval(secs => backup.setting_int('ticket_seconds', 60)));
    return next v_token;
  end loop;
end
$$;

create or replace function backup.redeem_job_ticket(p_token text, p_function text)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update backup.job_ticket
  set used_at = clock_timestamp()
  where token_sha256 = sha256(convert_to(p_token, 'UTF8'))
    and function_name = p_function and used_at is null and expires_at > clock_timestamp();
  return found;
end
$$;

create or replace function backup.claim_job(p_function text, p_worker text)
returns setof backup.job
language plpgsql
set search_path = ''
as $$
begin
  -- One claim at a time: two of them would each see the other's place as free.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.job_claims', 0));
  return query
    update backup.job j
    set state = 'claimed',
        attempts = j.attempts + 1,
        lease_token = gen_random_uuid(),
        lease_until = clock_timestamp() + make_interval(secs => backup.setting_int('lease_seconds', 75)),
        started_at = coalesce(j.started_at, clock_timestamp()),
        worker = p_worker
    where j.id = (select s.id from backup.startable_jobs(p_function) as s limit 1) and j.state = 'pending'
    returning j.*;
end
$$;

create or replace function backup.held_job(p_id uuid, p_token uuid)
returns backup.job
language plpgsql
set search_path = ''
as $$
declare
  v_job backup.job;
begin
  select * into v_job from backup.job where id = p_id and state = 'claimed' and lease_token = p_token for update;
  if not found then
    raise exception 'the lease of job % is lost', p_id using errcode = 'HF001';
  end if;
  return v_job;
end
$$;

-- A checkpoint within a slice: what is done stays done, and the lease begins anew.
create or replace function backup.save_job(p_id uuid, p_token uuid, p_progress jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform backup.held_job(p_id, p_token);
  update backup.job
  set progress = p_progress, attempts = 1, error = null,
      lease_until = clock_timestamp() + make_interval(secs => backup.setting_int('lease_seconds', 75))
  where id = p_id;
end
$$;

create or replace function backup.extend_job(p_id uuid, p_token uuid)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update backup.job
  set lease_until = clock_timestamp() + make_interval(secs => backup.setting_int('lease_seconds', 75))
  where id = p_id and state = 'claimed' and lease_token = p_token;
  return found;
end
$$;

-- The end of a slice that is not the last: the job goes back into the queue.
create or replace function backup.continue_job(p_id uuid, p_token uuid, p_progress jsonb, p_seconds numeric default 0)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform backup.held_job(p_id, p_token);
  update backup.job
  set state = 'pending', progress = p_progress, attempts = 0, error = null, lease_token = null, lease_until = null,
      not_before = clock_timestamp() + make_interval(secs => p_seconds)
  where id = p_id;
end
$$;

create or replace function backup.end_job(p_id uuid, p_state text, p_error jsonb, p_result jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_job backup.job;
  v_on_end text;
begin
  update backup.job
  set state = p_state, error = p_error, result = p_result, ended_at = clock_timestamp(), lease_token = null, lease_until = null
  where id = p_id
  returning * into v_job;
  select on_end into v_on_end from backup.job_kind where kind = v_job.kind;
  if v_on_end is not null then
    execute format('select backup.%I($1)', v_on_end) using v_job;
  end if;
end
$$;

create or replace function backup.finish_job(p_id uuid, p_token uuid, p_result jsonb default '{}')
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform backup.held_job(p_id, p_token);
  perform backup.end_job(p_id, 'done', null, p_result);
end
$$;

create or replace function backup.retry_or_fail_job(p_job backup.job, p_error jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_error ->> 'kind' = 'transient'
     and p_job.attempts < (select attempts from backup.job_kind where kind = p_job.kind) then
    update backup.job
    set state = 'pending', error = p_error, lease_token = null, lease_until = null,
        not_before = clock_timestamp() + make_interval(
          secs => backup.setting_int('retry_base_seconds', 5) * (2 ^ (greatest(p_job.attempts, 1) - 1)) * (0.5 + random()))
    where id = p_job.id;
  else
    perform backup.end_job(p_job.id, 'failed', p_error, null);
  end if;
end
$$;

-- Transient errors are tried again with backoff; permanent ones, and the last attempt, fail the job.
create or replace function backup.fail_job(p_id uuid, p_token uuid, p_error jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform backup.retry_or_fail_job(backup.held_job(p_id, p_token), p_error);
end
$$;

create or replace function backup.cancel_job(p_id uuid, p_by uuid default null)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform from backup.job where id = p_id and state in ('pending', 'claimed') for update;
  if not found then
    return false;
  end if;
  perform backup.end_job(p_id, 'cancelled', jsonb_build_object(
    'code', 'CANCELLED', 'kind', 'permanent', 'message', 'cancelled on request', 'by', p_by), null);
  return true;
end
$$;
comment on function backup.cancel_job(uuid, uuid) is 'Ends a job; a worker that still has it changes nothing more. False when it is not open.';

revoke all on all functions in schema backup from public;
