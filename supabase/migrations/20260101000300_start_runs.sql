-- Settings.
create or replace function backup.setting_int(p_name text, p_default integer)
returns integer
language sql
stable
set search_path = ''
as $$
  select coalesce((select (value #>> '{}')::integer from backup.setting where name = p_name), p_default)
$$;

create or replace function backup.configure(p_functions_url text default null, p_parallelism integer default null)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_functions_url is not null then
    if p_functions_url !~ '^https?://[^\s/?#@]+(/[^\s?#]*)?$' then
      raise exception 'the functions URL must be http(s)://host/path without credentials: %', p_functions_url
        using errcode = '22023', hint = 'It looks like https://<project ref>.supabase.co/functions/v1';
    end if;
    insert into backup.setting (name, value) values ('functions_url', to_jsonb(rtrim(p_functions_url, '/')))
    on conflict (name) do update set value = excluded.value, updated_at = now();
  end if;
  if p_parallelism is not null then
    if p_parallelism not between 1 and 16 then
      raise exception 'parallelism must be between 1 and 16: %', p_parallelism using errcode = '22023';
    end if;
    insert into backup.setting (name, value) values ('parallelism', to_jsonb(p_parallelism))
    on conflict (name) do update set value = excluded.value, updated_at = now();
  end if;
end
$$;
comment on function backup.configure(text, integer) is
  'Where the edge functions answer, and how many workers may run at once. Call it once after installation.';

-- A cadence is why a backup was taken; retention hangs on it.
create or replace function backup.is_cadence(p_cadence text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select p_cadence in ('hourly', 'daily', 'weekly', 'monthly', 'yearly', 'pre-deployment', 'emergency', 'manual', 'on-demand')
$$;

-- Starts a run and returns its backup_id. The request is the body of POST /backup-trigger, already validated there;
-- what reaches this function from SQL is checked again where it matters: when the plan reads the catalogue.
create or replace function backup.start_run(p_request jsonb, p_created_by uuid default null, p_retry_of text default null)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_cadence text := coalesce(p_request ->> 'cadence', 'manual');
  v_now timestamptz := clock_timestamp();
  v_backup_id text;
  v_attempt integer := 1;
begin
  if not backup.is_cadence(v_cadence) then
    raise exception 'unknown cadence: %', v_cadence
      using errcode = '22023', hint = 'One of hourly, daily, weekly, monthly, yearly, pre-deployment, emergency, manual, on-demand.';
  end if;
  if not exists (select from backup.setting where name = 'functions_url') then
    raise exception 'Holdfast does not know where its functions answer'
      using errcode = '55000',
            hint = 'Run once: select backup.configure(p_functions_url => ''https://<project ref>.supabase.co/functions/v1'')';
  end if;
  if p_retry_of is not null then
    select attempt + 1 into v_attempt from public.backup_log where backup_id = p_retry_of;
  end if;
  v_backup_id := v_cadence || '_' || to_char(v_now at time zone 'UTC', 'YYYYMMDD_HH24MISS')
    || '_' || left(gen_random_uuid()::text, 8);
  insert into public.backup_log
    (backup_id, backup_type, reason, created_by, started_at, status, stage, request, label, attempt, retry_of)
  values
    (v_backup_id, v_cadence, p_request ->> 'reason', p_created_by, v_now, 'in_progress', 'queued',
     p_request, p_request ->> 'label', v_attempt, p_retry_of);
  insert into backup.task (backup_id, kind, not_before)
  values (v_backup_id, 'plan',
    case when p_retry_of is null then now()
         else now() + make_interval(secs => backup.setting_int('retry_base_seconds', 5) * (2 ^ v_attempt)) end);
  return v_backup_id;
end
$$;

-- The name and signature of the WedSync plan.
create or replace function public.create_manual_backup(p_reason text, p_created_by uuid)
returns text
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_backup_id text;
begin
  if length(p_reason) > 1000 then
    raise exception 'a reason has at most 1000 characters: %', length(p_reason) using errcode = '22001';
  end if;
  v_backup_id := backup.start_run(
    jsonb_build_object('scope', 'full', 'cadence', 'manual', 'reason', p_reason), p_created_by);
  perform backup.dispatch();
  return v_backup_id;
end
$$;
comment on function public.create_manual_backup(text, uuid) is
  'Starts a full backup and returns its backup_id; follow it in public.backup_log.';
revoke all on function public.create_manual_backup(text, uuid) from public;
