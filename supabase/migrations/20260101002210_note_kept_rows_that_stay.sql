-- Rows that were kept by law and do not go when their time is over are told of and tried again, not forgotten; and settings
-- that a restored database lacks are made again.
alter table backup.erasure_kept add column if not exists tried_at timestamptz;
comment on column backup.erasure_kept.tried_at is
  'When they were last to be erased and stayed, which an alert account_kept_rows_stay says; tried again a day later.';

-- Rows whose reason to be kept has ended.
create or replace function backup.tick_kept_rows()
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  if exists (
    select from backup.erasure_kept
    where erased_at is null and keep_until <= clock_timestamp()
      and (tried_at is null or tried_at <= clock_timestamp() - interval '1 day'))
  then
    return to_jsonb(backup.start_job('account_erase_kept', 'kept'));
  end if;
  return null;
end
$$;

-- Backups hold no settings, so that a restored database has none. These are the ones that nothing else has a default for.
create or replace function backup.create_missing_settings()
returns void
language sql
set search_path = ''
as $$
  insert into backup.setting (name, value)
  values
    ('subject_hash_salt', to_jsonb(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''))),
    ('alert_history_since', to_jsonb(now()))
  on conflict (name) do nothing
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
  perform backup.create_missing_settings();
end
$$;
comment on function backup.configure(text, integer) is
  'Where the edge functions answer, and how many workers may run at once. Call it once after installation, and after a restore.';
revoke all on all functions in schema backup from public;
