-- Erasures of people: planned, confirmed, executed after a time to think again, and never forgotten. A row is the database's
-- copy of one entry of the erasure ledger; the other is in the store, outside the backups, where restores read it.
create table if not exists backup.erasure (
  erasure_id uuid primary key default gen_random_uuid(),
  subject_id uuid,
  subject_sha256 text not null,
  origin text not null check (origin in ('user', 'operator', 'ledger')),
  reason text,
  state text not null default 'planned'
    check (state in ('planned', 'scheduled', 'executing', 'completed', 'cancelled', 'refused', 'failed')),
  plan jsonb not null default '{}',
  plan_sha256 text,
  token_sha256 bytea,
  token_expires_at timestamptz,
  token_attempts integer not null default 0,
  receipt_sha256 bytea,
  requested_at timestamptz not null default clock_timestamp(),
  confirmed_at timestamptz,
  due_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  job_id uuid,
  position bigint unique,
  entry text,
  entry_sha256 text,
  stored_at timestamptz,
  files_erased_at timestamptz,
  rows_erased_at timestamptz,
  auth_erased_at timestamptz,
  outcome jsonb not null default '{}',
  certificate text,
  certificate_signature text,
  error jsonb,
  was_banned_until timestamptz
);
alter table backup.erasure enable row level security;
create index if not exists erasure_subject on backup.erasure (subject_id, requested_at desc);
create unique index if not exists erasure_open on backup.erasure (subject_id) where state in ('scheduled', 'executing');
comment on table backup.erasure is 'Requests to erase a person, and the erasure ledger; a completed one does not name the person any more.';
comment on column backup.erasure.subject_sha256 is 'SHA-256 of ''holdfast subject id '' and the user id in lower case.';
comment on column backup.erasure.plan_sha256 is 'Of what the plan decides: tables, actions, side effects, files; not of how many rows.';
comment on column backup.erasure.position is 'Place in the ledger; each entry holds the hash of the one before.';
comment on column backup.erasure.was_banned_until is 'Of the account before it began: what a refusal gives back.';
comment on column backup.erasure.entry is 'The entry as it is in the store, byte for byte; nothing is erased before stored_at is set.';

revoke all on backup.erasure from public;

insert into backup.setting (name, value)
values
  ('erasure_cool_off_hours', '72'), ('erasure_token_minutes', '15'), ('erasure_sign_in_minutes', '15'),
  ('erasure_requests_per_day', '10'), ('erased_data_days', '365')
on conflict (name) do nothing;

insert into backup.job_kind (kind, function_name, parallelism, attempts, on_end)
values ('account_erase', 'account', 1, 20, 'end_account_erasure')
on conflict (kind) do nothing;

create or replace function backup.note_erasure_event(p_type text, p_erasure backup.erasure, p_data jsonb default '{}')
returns void
language sql
set search_path = ''
as $$
  insert into public.security_events_log (event_type, event_category, severity, user_id, event_data)
  values (p_type, 'data_access', 'high', p_erasure.subject_id,
          jsonb_build_object('erasure_id', p_erasure.erasure_id, 'origin', p_erasure.origin) || p_data)
$$;

-- Takes a plan that the person will be shown. An earlier one that was not confirmed makes way for it.
create or replace function backup.request_erasure(
  p_subject uuid, p_subject_sha256 text, p_origin text, p_reason text, p_plan jsonb, p_plan_sha256 text, p_token_sha256 bytea)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
  v_most integer := backup.setting_int('erasure_requests_per_day', 10);
  v_free_at timestamptz;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure.' || p_subject, 0));
  select * into v_erasure from backup.erasure
  where subject_id = p_subject and (state in ('scheduled', 'executing') or (state = 'failed' and entry is not null))
  order by state = 'failed', requested_at desc limit 1;
  if found then
    return jsonb_build_object('outcome', 'open', 'erasure_id', v_erasure.erasure_id, 'state', v_erasure.state);
  end if;
  if p_origin = 'user' then
    select max(free_at) into v_free_at from (
      select requested_at + interval '1 day' as free_at, row_number() over (order by requested_at desc) as nth
      from backup.erasure
      where subject_id = p_subject and origin = 'user' and requested_at > clock_timestamp() - interval '1 day'
    ) as counted where nth >= v_most;
    if v_free_at is not null then
      return jsonb_build_object('outcome', 'refused', 'per_day', v_most,
        'retry_after_seconds', greatest(1, ceil(extract(epoch from v_free_at - clock_timestamp()))::bigint));
    end if;
  end if;
  update backup.erasure set state = 'cancelled', ended_at = clock_timestamp(), token_sha256 = null
  where subject_id = p_subject and state in ('planned', 'failed');
  insert into backup.erasure
    (subject_id, subject_sha256, origin, reason, plan, plan_sha256, token_sha256, token_expires_at)
  values (p_subject, p_subject_sha256, p_origin, p_reason, p_plan, p_plan_sha256, p_token_sha256,
          clock_timestamp() + make_interval(mins => backup.setting_int('erasure_token_minutes', 15)))
  returning * into v_erasure;
  perform backup.note_erasure_event('account_erasure_requested', v_erasure, jsonb_build_object('plan_sha256', p_plan_sha256));
  return jsonb_build_object('outcome', 'started', 'erasure_id', v_erasure.erasure_id,
    'token_expires_at', v_erasure.token_expires_at);
end
$$;

-- The person says yes to the plan that they saw. Five wrong tokens end the request.
create or replace function backup.confirm_erasure(
  p_subject uuid, p_id uuid, p_token_sha256 bytea, p_receipt_sha256 bytea)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
  v_refusal text;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure.' || p_subject, 0));
  select * into v_erasure from backup.erasure where erasure_id = p_id and subject_id = p_subject for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if v_erasure.state <> 'planned' then
    return jsonb_build_object('outcome', 'not_planned', 'state', v_erasure.state);
  end if;
  v_refusal := case
    when v_erasure.token_sha256 is null or v_erasure.token_sha256 <> p_token_sha256 then 'wrong'
    when v_erasure.token_expires_at <= clock_timestamp() then 'expired' end;
  if v_refusal is not null then
    update backup.erasure
    set token_attempts = token_attempts + 1,
        token_sha256 = case when token_attempts >= 4 then null else token_sha256 end,
        state = case when token_attempts >= 4 then 'cancelled' else state end,
        ended_at = case when token_attempts >= 4 then clock_timestamp() end
    where erasure_id = p_id;
    return jsonb_build_object('outcome', v_refusal);
  end if;
  update backup.erasure
  set state = 'scheduled', confirmed_at = clock_timestamp(), token_sha256 = null, receipt_sha256 = p_receipt_sha256,
      due_at = clock_timestamp() + case origin when 'operator' then interval '0'
        else make_interval(hours => backup.setting_int('erasure_cool_off_hours', 72)) end
  where erasure_id = p_id
  returning * into v_erasure;
  -- An operator's script does it itself; the job goes on with what a killed one left.
  update backup.erasure
  set job_id = backup.start_job('account_erase', p_id::text, jsonb_build_object('erasure_id', p_id), null,
    v_erasure.due_at + case origin when 'operator' then interval '10 minutes' else interval '0' end)
  where erasure_id = p_id;
  perform backup.note_erasure_event('account_erasure_confirmed', v_erasure, jsonb_build_object('due_at', v_erasure.due_at));
  return jsonb_build_object('outcome', 'scheduled', 'due_at', v_erasure.due_at);
end
$$;

-- True when it was open and has not begun.
create or replace function backup.cancel_erasure(p_subject uuid, p_id uuid)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
begin
  select * into v_erasure from backup.erasure where erasure_id = p_id and subject_id = p_subject for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  if v_erasure.state not in ('planned', 'scheduled') then
    return jsonb_build_object('outcome', 'too_late', 'state', v_erasure.state);
  end if;
  update backup.erasure
  set state = 'cancelled', ended_at = clock_timestamp(), token_sha256 = null, receipt_sha256 = null
  where erasure_id = p_id;
  if v_erasure.job_id is not null then
    perform backup.cancel_job(v_erasure.job_id, p_subject);
  end if;
  perform backup.note_erasure_event('account_erasure_cancelled', v_erasure);
  return jsonb_build_object('outcome', 'cancelled');
end
$$;

-- From here on nothing stops it: the sessions of the person end, and no new one begins. Not before its time has come.
create or replace function backup.begin_erasure(p_id uuid)
returns setof backup.erasure
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
begin
  select * into v_erasure from backup.erasure where erasure_id = p_id for update;
  if (v_erasure.state = 'scheduled' and v_erasure.due_at <= clock_timestamp()) or v_erasure.state = 'failed' then
    update backup.erasure
    set was_banned_until = case when started_at is not null then was_banned_until
          else (select u.banned_until from auth.users u where u.id = v_erasure.subject_id) end,
        state = 'executing', started_at = coalesce(started_at, clock_timestamp()), error = null, ended_at = null
    where erasure_id = p_id
    returning * into v_erasure;
    perform backup.note_erasure_event('account_erasure_begun', v_erasure);
  end if;
  if v_erasure.state = 'executing' then
    delete from auth.sessions where user_id = v_erasure.subject_id;
    update auth.users set banned_until = '9999-12-31' where id = v_erasure.subject_id;
    perform backup.discard_account_exports(v_erasure.subject_id);
    return next v_erasure;
  elsif v_erasure.erasure_id is not null then
    return next v_erasure;
  end if;
end
$$;

-- What was planned is not what would happen now, or something is in its way. The person may sign in again.
create or replace function backup.refuse_erasure(p_id uuid, p_error jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
begin
  update backup.erasure set state = 'refused', ended_at = clock_timestamp(), error = p_error
  where erasure_id = p_id and state = 'executing' and entry is null
  returning * into v_erasure;
  if not found then
    return;
  end if;
  update auth.users set banned_until = v_erasure.was_banned_until where id = v_erasure.subject_id;
  perform backup.note_erasure_event('account_erasure_refused', v_erasure, jsonb_build_object('code', p_error ->> 'code'));
  perform backup.announce('account_erasure_refused', 'high',
    format('erasure %s was not executed: %s', p_id, p_error ->> 'message'),
    jsonb_build_object('erasure_id', p_id, 'code', p_error ->> 'code'));
end
$$;

-- Its place in the ledger, and the hash that its entry must hold. The caller writes the entry in the same transaction.
create or replace function backup.next_ledger_place()
returns table (place bigint, previous_sha256 text)
language plpgsql
set search_path = ''
as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure_ledger', 0));
  return query
    select coalesce(max(e.position), 0) + 1,
           (select l.entry_sha256 from backup.erasure l where l.position is not null order by l.position desc limit 1)
    from backup.erasure e;
end
$$;

-- An entry that the store has and this database does not know: it was restored without its ledger. A place that is taken
-- stays with whom it has.
create or replace function backup.take_over_ledger_entry(
  p_id uuid, p_position bigint, p_entry text, p_entry_sha256 text, p_subject_sha256 text, p_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure_ledger', 0));
  insert into backup.erasure (erasure_id, subject_sha256, origin, state, requested_at, ended_at, position, entry, entry_sha256,
    stored_at, files_erased_at, rows_erased_at, auth_erased_at)
  select p_id, p_subject_sha256, 'ledger', 'completed', p_at, p_at, p_position, p_entry, p_entry_sha256, p_at, p_at, p_at, p_at
  where not exists (select from backup.erasure e where e.position = p_position)
  on conflict (erasure_id) do update
  set position = excluded.position, entry = excluded.entry, entry_sha256 = excluded.entry_sha256,
      stored_at = excluded.stored_at
  where backup.erasure.entry is null;
end
$$;

-- The last step, when nothing of the person is left: from now on the ledger knows them by their hash alone.
create or replace function backup.complete_erasure(p_id uuid, p_certificate text, p_signature text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
begin
  update backup.erasure
  set state = 'completed', ended_at = coalesce(ended_at, clock_timestamp()), certificate = p_certificate,
      certificate_signature = p_signature, error = null
  where erasure_id = p_id and state = 'executing'
  returning * into v_erasure;
  if not found then
    return;
  end if;
  insert into backup.erased_in_backup (backup_id, erasure_id, must_end_by)
  select l.backup_id, p_id,
         v_erasure.rows_erased_at + make_interval(days => backup.setting_int('erased_data_days', 365))
  from public.backup_log l
  -- The account goes after the rows, and our own records after that: a backup that began in between has them.
  where l.started_at <= clock_timestamp() and l.status in ('in_progress', 'completed', 'completed_with_limits')
  on conflict do nothing;
  perform backup.note_erasure_event('account_erasure_completed', v_erasure);
  perform backup.forget_subject(v_erasure.subject_id, v_erasure.subject_sha256);
end
$$;

-- Our own records keep what happened and lose whom it happened to.
create or replace function backup.forget_subject(p_subject uuid, p_subject_sha256 text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_subject is null then
    return;
  end if;
  update public.security_events_log
  set user_id = null,
      event_data = replace(coalesce(event_data, '{}')::text, p_subject::text, 'erased')::jsonb
        || jsonb_build_object('subject_sha256', p_subject_sha256)
  where user_id = p_subject;
  update backup.job
  set subject = case when subject = p_subject::text then null else subject end,
      created_by = case when created_by = p_subject then null else created_by end
  where subject = p_subject::text or created_by = p_subject;
  update public.backup_log set created_by = null where created_by = p_subject;
  update public.backup_verification set verified_by = null where verified_by = p_subject;
  update public.backup_tests set tested_by = null where tested_by = p_subject;
  delete from backup.account_export where user_id = p_subject;
  update backup.erasure
  set subject_id = null, token_sha256 = null, plan = plan - 'subject', reason = case origin when 'user' then null else reason end
  where subject_id = p_subject;
end
$$;

-- Called when the job ends. A failure waits for an operator: what is done stays done, and doing it again goes on.
create or replace function backup.end_account_erasure(p_job backup.job)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
begin
  if p_job.state <> 'failed' then
    return;
  end if;
  update backup.erasure set state = 'failed', ended_at = clock_timestamp(), error = p_job.error
  where erasure_id = (p_job.payload ->> 'erasure_id')::uuid and state in ('scheduled', 'executing')
  returning * into v_erasure;
  if not found then
    return;
  end if;
  perform backup.note_erasure_event('account_erasure_failed', v_erasure, jsonb_build_object('code', p_job.error ->> 'code'));
  perform backup.announce('account_erasure_failed', 'critical',
    format('erasure %s failed: %s', v_erasure.erasure_id, p_job.error ->> 'message'),
    jsonb_build_object('erasure_id', v_erasure.erasure_id, 'code', p_job.error ->> 'code'));
end
$$;

-- A plan that nobody confirmed is no request: the person may have wanted to look. A failed one stays open.
create or replace function backup.open_erasure_requests()
returns table (request_id uuid, user_id uuid, requested_at timestamptz, state text)
language sql
stable
set search_path = ''
as $$
  select e.erasure_id, e.subject_id, e.requested_at, e.state
  from backup.erasure e
  where e.state in ('scheduled', 'executing')
     or (e.state in ('failed', 'refused') and e.subject_id is not null and not exists (
       select from backup.erasure later
       where later.subject_id = e.subject_id and later.requested_at > e.requested_at and later.state <> 'planned'))
$$;
insert into backup.subject_request_kind (kind, function_name) values ('erasure', 'open_erasure_requests')
on conflict (kind) do nothing;
revoke all on all functions in schema backup from public;
