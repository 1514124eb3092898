-- Exports of personal data that users ask for. A row is a request and stays as its record; the bytes of a large one are in
-- the store, in parts encrypted with the key of the row: without the key, or the row, they cannot be read.
create table if not exists backup.account_export (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  way text not null check (way in ('stream', 'job', 'operator')),
  state text not null check (state in ('streaming', 'pending', 'ready', 'delivered', 'failed', 'cancelled', 'expired')),
  format text not null check (format in ('zip', 'json')),
  lang text not null default 'en',
  requested_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  expires_at timestamptz,
  deleted_at timestamptz,
  job_id uuid,
  key bytea,
  layout jsonb,
  size_bytes bigint,
  row_count bigint,
  file_count bigint,
  downloads integer not null default 0,
  downloaded_at timestamptz,
  error jsonb
);
alter table backup.account_export enable row level security;
create unique index if not exists account_export_open on backup.account_export (user_id)
  where state in ('streaming', 'pending');
create index if not exists account_export_newest on backup.account_export (user_id, requested_at desc);
create index if not exists account_export_ready on backup.account_export (expires_at) where state = 'ready';
comment on table backup.account_export is 'Requests for an export of personal data; at most one open request per user.';
comment on column backup.account_export.way is
  'stream: sent at once; job: made in slices and kept in the store; operator: made by scripts/export-subject.ts.';
comment on column backup.account_export.key is 'AES-256 key of the parts in the store; null: nobody can read them any more.';
comment on column backup.account_export.layout is 'Which parts, and in which order their bytes make the file.';
revoke all on backup.account_export from public;

insert into backup.setting (name, value)
values
  ('account_exports_per_day', '1'), ('account_export_attempts_per_day', '10'),
  ('account_export_stream_rows', '5000'), ('account_export_stream_bytes', '8388608'), ('account_export_stream_files', '50'),
  ('account_export_max_bytes', '53687091200'), ('account_export_max_files', '20000'),
  ('account_export_max_row_bytes', '16777216'),
  ('account_export_slice_bytes', '20971520'), ('account_export_days', '5'), ('subject_request_days', '30')
on conflict (name) do nothing;

insert into backup.job_kind (kind, function_name, parallelism, attempts, on_end)
values ('account_export', 'account', 2, 5, 'end_account_export'), ('account_export_deletion', 'account', 1, 20, null)
on conflict (kind) do nothing;

create or replace function backup.note_account_event(p_type text, p_user uuid, p_data jsonb)
returns void
language sql
set search_path = ''
as $$
  insert into public.security_events_log (event_type, event_category, severity, user_id, event_data)
  values (p_type, 'data_access', 'medium', p_user, p_data)
$$;

-- Starts an export, or says which one is open, or how long the user must wait. One at a time per user.
create or replace function backup.start_account_export(
  p_user uuid, p_way text, p_format text, p_lang text, p_key bytea default null)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_export backup.account_export;
  v_most integer := backup.setting_int('account_exports_per_day', 1);
  v_attempts integer := backup.setting_int('account_export_attempts_per_day', 10);
  v_free_at timestamptz;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.account_export.' || p_user, 0));
  select * into v_export from backup.account_export where user_id = p_user and state in ('streaming', 'pending');
  if found then
    return jsonb_build_object('outcome', 'open', 'export_id', v_export.id, 'way', v_export.way, 'state', v_export.state);
  end if;
  if p_way <> 'operator' then
    select max(free_at) into v_free_at from (
      select requested_at + interval '1 day' as free_at,
             row_number() over (order by requested_at desc) as nth from backup.account_export
      where user_id = p_user and way <> 'operator' and state <> 'failed'
        and requested_at > clock_timestamp() - interval '1 day'
    ) as counted where nth >= v_most;
    select greatest(v_free_at, max(free_at)) into v_free_at from (
      select requested_at + interval '1 day' as free_at,
             row_number() over (order by requested_at desc) as nth from backup.account_export
      where user_id = p_user and way <> 'operator' and requested_at > clock_timestamp() - interval '1 day'
    ) as counted where nth >= v_attempts;
    if v_free_at is not null or v_most < 1 then
      return jsonb_build_object('outcome', 'refused', 'per_day', v_most,
        'retry_after_seconds', greatest(1, ceil(extract(epoch from
          coalesce(v_free_at, clock_timestamp() + interval '1 day') - clock_timestamp()))::bigint),
        'export_id', (select id from backup.account_export where user_id = p_user and state = 'ready'
                      order by requested_at desc limit 1));
    end if;
  end if;
  insert into backup.account_export (user_id, way, state, format, lang)
  values (p_user, p_way, 'streaming', p_format, p_lang)
  returning * into v_export;
  perform backup.note_account_event('account_export_requested', p_user, jsonb_build_object(
    'export_id', v_export.id, 'way', p_way, 'format', p_format));
  if p_way = 'job' then
    perform backup.queue_account_export(v_export.id, p_key);
    v_export.state := 'pending';
  end if;
  return jsonb_build_object('outcome', 'started', 'export_id', v_export.id, 'way', p_way, 'state', v_export.state);
end
$$;

-- An account that proved too large to be sent at once.
create or replace function backup.queue_account_export(p_id uuid, p_key bytea)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_user uuid;
begin
  update backup.account_export set way = 'job', state = 'pending', key = p_key
  where id = p_id and state = 'streaming'
  returning user_id into v_user;
  if found then
    update backup.account_export
    set job_id = backup.start_job('account_export', v_user::text, jsonb_build_object('export_id', p_id), v_user)
    where id = p_id;
  end if;
end
$$;

-- How an export that was sent at once ended.
create or replace function backup.end_account_stream(
  p_id uuid, p_state text, p_size bigint, p_rows bigint, p_files bigint, p_error jsonb default null)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_user uuid;
begin
  update backup.account_export
  set state = p_state, ended_at = clock_timestamp(), size_bytes = p_size, row_count = p_rows, file_count = p_files,
      error = p_error, downloads = case p_state when 'delivered' then 1 else 0 end,
      downloaded_at = case p_state when 'delivered' then clock_timestamp() end
  where id = p_id and state = 'streaming'
  returning user_id into v_user;
  if found then
    perform backup.note_account_event(
      case p_state when 'delivered' then 'account_export_downloaded' else 'account_export_failed' end, v_user,
      jsonb_build_object('export_id', p_id, 'size_bytes', p_size, 'error', p_error ->> 'code'));
  end if;
end
$$;

-- Called when the job ends. What it noted about the user's data goes with it.
create or replace function backup.end_account_export(p_job backup.job)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid := (p_job.payload ->> 'export_id')::uuid;
  v_state text := case p_job.state when 'done' then 'ready' else p_job.state end;
begin
  update backup.account_export
  set state = v_state, ended_at = clock_timestamp(), error = p_job.error,
      key = case v_state when 'ready' then key end,
      layout = p_job.result -> 'layout', size_bytes = (p_job.result ->> 'size_bytes')::bigint,
      row_count = (p_job.result ->> 'row_count')::bigint, file_count = (p_job.result ->> 'file_count')::bigint,
      expires_at = case v_state when 'ready' then
        clock_timestamp() + make_interval(days => backup.setting_int('account_export_days', 5)) end
  where id = v_id and state = 'pending';
  update backup.job set progress = '{}', result = p_job.result - 'layout' where id = p_job.id;
  if v_state <> 'ready' then
    perform backup.delete_account_parts(v_id);
  end if;
  perform backup.note_account_event('account_export_' || v_state, p_job.subject::uuid, jsonb_build_object(
    'export_id', v_id, 'error', p_job.error ->> 'code'));
end
$$;

-- The parts can wait: without the key nobody reads them. A worker that does not know yet may still be writing one.
create or replace function backup.delete_account_parts(p_export uuid)
returns void
language sql
set search_path = ''
as $$
  select backup.start_job('account_export_deletion', p_export::text, jsonb_build_object('export_id', p_export), null,
    clock_timestamp() + make_interval(secs => backup.setting_int('lease_seconds', 75)))
$$;

-- True when it was open or ready, and is no more. Another user's export is as unknown as one that never was.
create or replace function backup.cancel_account_export(p_user uuid, p_id uuid)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_export backup.account_export;
begin
  select * into v_export from backup.account_export
  where id = p_id and user_id = p_user and state in ('pending', 'ready') for update;
  if not found then
    return false;
  end if;
  if v_export.state = 'pending' then
    return backup.cancel_job(v_export.job_id, p_user);
  end if;
  update backup.account_export set state = 'cancelled', key = null, layout = null where id = p_id;
  perform backup.delete_account_parts(p_id);
  perform backup.note_account_event('account_export_cancelled', p_user, jsonb_build_object('export_id', p_id));
  return true;
end
$$;

-- For erasures: nothing of a person stays readable in an export, and no export of them goes on.
create or replace function backup.discard_account_exports(p_user uuid)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
  v_discarded integer := 0;
begin
  for v_id in select id from backup.account_export where user_id = p_user and state in ('pending', 'ready') loop
    perform backup.cancel_account_export(p_user, v_id);
    v_discarded := v_discarded + 1;
  end loop;
  return v_discarded;
end
$$;

create or replace function backup.tick_account_exports()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
  v_user uuid;
  v_expired integer := 0;
  v_lost integer := 0;
begin
  for v_id, v_user in
    update backup.account_export set state = 'expired', key = null, layout = null
    where state = 'ready' and expires_at < clock_timestamp() returning id, user_id
  loop
    perform backup.delete_account_parts(v_id);
    perform backup.note_account_event('account_export_expired', v_user, jsonb_build_object('export_id', v_id));
    v_expired := v_expired + 1;
  end loop;
  -- No call of a function lives that long: whoever sent these is gone. An operator's script may take hours.
  for v_id in
    select id from backup.account_export
    where state = 'streaming'
      and requested_at < clock_timestamp() - case way when 'operator' then interval '1 day' else interval '10 minutes' end
  loop
    perform backup.end_account_stream(v_id, 'failed', null, null, null, '{"code": "TASK_ABANDONED"}');
    v_lost := v_lost + 1;
  end loop;
  return jsonb_build_object('expired', v_expired, 'lost', v_lost);
end
$$;
insert into backup.tick_step (name, position) values ('tick_account_exports', 40) on conflict (name) do nothing;

-- Requests of people about their data that are not answered yet, with their legal due date; for the health report.
-- Each kind of request has a function of its own that returns these columns.
create table if not exists backup.subject_request_kind (
  kind text primary key,
  function_name text not null
);
alter table backup.subject_request_kind enable row level security;
comment on table backup.subject_request_kind is
  'Functions of the schema backup without arguments: (request_id uuid, user_id uuid, requested_at timestamptz, state text) of open requests.';
insert into backup.subject_request_kind (kind, function_name) values ('export', 'open_export_requests')
on conflict (kind) do nothing;
revoke all on backup.subject_request_kind from public;

-- A failed export is an open request until the user has got one.
create or replace function backup.open_export_requests()
returns table (request_id uuid, user_id uuid, requested_at timestamptz, state text)
language sql
stable
set search_path = ''
as $$
  select distinct on (e.user_id) e.id, e.user_id, e.requested_at, e.state
  from backup.account_export e
  where e.state in ('streaming', 'pending', 'failed')
    and not exists (
      select from backup.account_export later
      where later.user_id = e.user_id and later.requested_at > e.requested_at
        and later.state in ('ready', 'delivered', 'expired', 'cancelled'))
  order by e.user_id, e.requested_at
$$;

create or replace function backup.subject_requests()
returns table (
  kind text, request_id uuid, user_id uuid, requested_at timestamptz, due_at timestamptz, state text, overdue boolean)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind record;
begin
  for v_kind in select k.kind, k.function_name from backup.subject_request_kind k order by k.kind loop
    return query execute format(
      'select %L::text, r.request_id, r.user_id, r.requested_at, r.requested_at + $1, r.state,
              r.requested_at + $1 < clock_timestamp()
       from backup.%I() r', v_kind.kind, v_kind.function_name)
      using make_interval(days => backup.setting_int('subject_request_days', 30));
  end loop;
end
$$;
comment on function backup.subject_requests() is 'Open requests for exports and erasures, and when the law wants them answered.';
revoke all on all functions in schema backup from public;
