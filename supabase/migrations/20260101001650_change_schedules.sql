-- What operators call. Everything is checked before anything changes, and pg_cron is told in the same transaction.

-- The stores that a schedule may name; the part that adds replicas replaces this function.
create or replace function backup.store_names()
returns text[]
language sql
stable
set search_path = ''
as $$ select array['primary'] $$;

-- An interval such as 30 days, or forever; anything else is an error.
create or replace function backup.check_retention(p_retention text)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kept interval;
begin
  if p_retention is null or p_retention = 'forever' then
    return true;
  end if;
  begin
    v_kept := p_retention::interval;
  exception when others then
    v_kept := null;
  end;
  if v_kept is null or v_kept <= interval '0' or not isfinite(v_kept) then
    raise exception 'a retention must be an interval above nothing, or forever: %', p_retention
      using errcode = '22023', hint = 'Such as 30 days, 3 months, 7 years.';
  end if;
  return true;
end
$$;

create or replace function backup.check_schedule(p_schedule backup.schedule)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_unknown text;
begin
  perform backup.check_cron(p_schedule.cron);
  perform backup.check_retention(p_schedule.retention);
  if not backup.is_cadence(p_schedule.cadence) then
    raise exception 'unknown cadence: %', p_schedule.cadence using errcode = '22023',
      hint = 'One of hourly, daily, weekly, monthly, yearly, pre-deployment, emergency, manual, on-demand.';
  end if;
  if p_schedule.scope not in ('full', 'critical', 'tables') then
    raise exception 'unknown scope: %', p_schedule.scope using errcode = '22023', hint = 'One of full, critical, tables.';
  end if;
  if jsonb_typeof(p_schedule.request) <> 'object' then
    raise exception 'the request of a schedule must be an object: %', p_schedule.request
      using errcode = '22023', hint = 'p_request => ''{"tables": ["public.bookings"]}''';
  end if;
  if (p_schedule.scope = 'tables') <> (coalesce(jsonb_typeof(p_schedule.request -> 'tables'), '') = 'array') then
    raise exception 'a list of tables belongs to the scope tables, and only to it: the scope is %', p_schedule.scope
      using errcode = '22023', hint = 'p_scope => ''tables'', p_request => ''{"tables": ["public.bookings"]}''';
  end if;
  if p_schedule.codec not in ('zstd', 'gzip', 'none') or p_schedule.format not in ('copy', 'json', 'csv') then
    raise exception 'unknown codec or format: %', concat_ws(', ', p_schedule.codec, p_schedule.format)
      using errcode = '22023', hint = 'Codecs: zstd, gzip, none. Formats: copy, json, csv.';
  end if;
  select store into v_unknown from unnest(p_schedule.stores) as store where store <> all (backup.store_names()) limit 1;
  if v_unknown is not null or cardinality(p_schedule.stores) = 0 then
    raise exception 'unknown store: %', coalesce(v_unknown, 'none is named')
      using errcode = '22023', hint = 'There are: ' || array_to_string(backup.store_names(), ', ') || '.';
  end if;
  if exists (select from unnest(array[p_schedule.grace, p_schedule.objective_rpo, p_schedule.objective_rto]) as span
             where span <= interval '0' or not isfinite(span)) then
    raise exception 'grace and recovery objectives must be above nothing, and end some day' using errcode = '22023',
      hint = 'Such as 2 hours.';
  end if;
  if p_schedule.enabled and (not p_schedule.available
     or p_schedule.work = 'drill' and backup.start_drill_function() is null) then
    raise exception 'schedule % cannot be enabled: the part that does its work (%) is not installed', p_schedule.name, p_schedule.work
      using errcode = '55000', hint = 'Apply the migrations that bring it, then enable the schedule.';
  end if;
end
$$;

-- Changes what is given and leaves the rest; with p_work and p_cron also makes a schedule that is not there yet.
create or replace function backup.schedule_set(
  p_name text, p_cron text default null, p_enabled boolean default null, p_scope text default null,
  p_retention text default null, p_codec text default null, p_format text default null, p_stores text[] default null,
  p_rpo interval default null, p_rto interval default null, p_category text default null, p_grace interval default null,
  p_deep_verification boolean default null, p_request jsonb default null, p_work text default null, p_cadence text default null,
  p_now timestamptz default clock_timestamp())
returns backup.schedule
language plpgsql
set search_path = ''
as $$
declare
  v_before backup.schedule;
  v_new backup.schedule;
begin
  select * into v_before from backup.schedule where name = p_name for update;
  if not found then
    v_before := backup.new_schedule(p_name, p_work, p_cron, p_cadence);
  elsif p_work <> v_before.work then
    raise exception 'the work of a schedule does not change: % does %', p_name, v_before.work
      using errcode = '22023', hint = 'Make another schedule under another name.';
  end if;
  v_new := v_before;
  v_new.cron := coalesce(regexp_replace(btrim(p_cron, E' \t\n'), '\s+', ' ', 'g'), v_new.cron);
  v_new.enabled := coalesce(p_enabled, v_new.enabled);
  v_new.cadence := coalesce(p_cadence, v_new.cadence);
  v_new.scope := coalesce(p_scope, v_new.scope);
  v_new.retention := coalesce(p_retention, v_new.retention);
  v_new.codec := coalesce(p_codec, v_new.codec);
  v_new.format := coalesce(p_format, v_new.format);
  v_new.stores := coalesce(p_stores, v_new.stores);
  v_new.objective_rpo := coalesce(p_rpo, v_new.objective_rpo);
  v_new.objective_rto := coalesce(p_rto, v_new.objective_rto);
  v_new.category := coalesce(p_category, v_new.category);
  v_new.grace := coalesce(p_grace, v_new.grace);
  v_new.deep_verification := coalesce(p_deep_verification, v_new.deep_verification);
  v_new.request := coalesce(p_request, v_new.request);
  perform backup.check_schedule(v_new);
  if exists (select from backup.schedule where name = p_name) then
    -- What came due under the old rule is written down before the rule changes.
    perform backup.enlist_due(v_before, p_now);
    update backup.schedule
    set cron = v_new.cron, enabled = v_new.enabled, cadence = v_new.cadence, scope = v_new.scope, retention = v_new.retention,
        codec = v_new.codec, format = v_new.format, stores = v_new.stores, objective_rpo = v_new.objective_rpo,
        objective_rto = v_new.objective_rto, category = v_new.category, grace = v_new.grace,
        deep_verification = v_new.deep_verification, request = v_new.request, updated_at = now(),
        checked_until = greatest(checked_until, p_now)
    where name = p_name returning * into v_new;
  else
    v_new.checked_until := p_now;
    insert into backup.schedule select v_new.*;
  end if;
  perform backup.materialise_schedules();
  return v_new;
end
$$;
comment on function backup.schedule_set is 'Changes a schedule: select backup.schedule_set(''daily-full'', p_cron => ''30 1 * * *'').';

create or replace function backup.new_schedule(p_name text, p_work text, p_cron text, p_cadence text)
returns backup.schedule
language plpgsql
set search_path = ''
as $$
declare
  v_new backup.schedule;
begin
  if p_work is null or p_cron is null then -- a misspelt name makes no schedule
    raise exception 'there is no schedule %', coalesce(p_name, 'null') using errcode = 'P0002',
      hint = format('There are: %s. A new one needs its work, cadence and cron (p_work, p_cadence, p_cron; --work, --cadence, --cron).',
        (select string_agg(name, ', ' order by name) from backup.schedule));
  end if;
  if p_name is null or p_name !~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' or length(p_name) > 40 or p_name = 'tick' or p_name ~ '^keeper' then
    raise exception 'a schedule''s name must be words of a-z and 0-9 joined by hyphens, at most 40 characters: %', coalesce(p_name, 'null')
      using errcode = '22023', hint = 'Such as evening-full. The names tick and keeper… are taken.';
  end if;
  if p_work not in ('backup', 'drill') then
    raise exception 'a new schedule does backups or drills: %', p_work using errcode = '22023',
      hint = 'Say backup or drill (p_work, --work).';
  end if;
  if p_cadence is null then
    raise exception 'a new schedule needs its cadence' using errcode = '22023',
      hint = 'Such as daily (p_cadence, --cadence); retention hangs on it.';
  end if;
  v_new.name := p_name;
  v_new.work := p_work;
  v_new.cadence := p_cadence;
  v_new.scope := 'full';
  v_new.request := '{}';
  v_new.cron := p_cron;
  v_new.enabled := true;
  v_new.available := true;
  v_new.stores := '{primary}';
  v_new.grace := case p_cadence when 'hourly' then interval '1 hour' when 'weekly' then interval '7 days'
    when 'monthly' then interval '1 month' when 'yearly' then interval '90 days' else interval '1 day' end;
  v_new.deep_verification := false;
  v_new.created_at := now();
  v_new.updated_at := now();
  return v_new;
end
$$;

create or replace function backup.schedule_pause(
  p_name text, p_until timestamptz default 'infinity', p_now timestamptz default clock_timestamp())
returns backup.schedule
language plpgsql
set search_path = ''
as $$
declare
  v_schedule backup.schedule;
begin
  perform backup.find_schedule(p_name);
  if p_until <= p_now then
    raise exception 'a pause must end in the future: %', p_until using errcode = '22023',
      hint = 'Without an end it lasts until backup.schedule_resume().';
  end if;
  select * into v_schedule from backup.schedule where name = p_name for update;
  perform backup.enlist_due(v_schedule, p_now);
  update backup.schedule set paused_until = p_until, updated_at = now() where name = p_name returning * into v_schedule;
  return v_schedule;
end
$$;
comment on function backup.schedule_pause is 'Skips the due times up to p_until; nothing of them is made up. What runs already goes on.';

create or replace function backup.schedule_resume(p_name text, p_now timestamptz default clock_timestamp())
returns backup.schedule
language plpgsql
set search_path = ''
as $$
declare
  v_schedule backup.schedule;
begin
  perform backup.find_schedule(p_name);
  select * into v_schedule from backup.schedule where name = p_name for update;
  perform backup.enlist_due(v_schedule, p_now);
  update backup.schedule set paused_until = null, updated_at = now() where name = p_name returning * into v_schedule;
  return v_schedule;
end
$$;

-- While it is open nothing begins; afterwards what came due is made up. Without schedules it holds all of them.
create or replace function backup.maintenance_set(
  p_starts_at timestamptz, p_ends_at timestamptz, p_reason text, p_schedules text[] default null)
returns bigint
language plpgsql
set search_path = ''
as $$
declare
  v_id bigint;
begin
  if p_ends_at <= p_starts_at or not isfinite(p_starts_at) or not isfinite(p_ends_at) then
    raise exception 'a maintenance window must end after it starts: % to %', p_starts_at, p_ends_at
      using errcode = '22023', hint = 'For a time without an end use backup.schedule_pause().';
  end if;
  if btrim(coalesce(p_reason, '')) = '' then
    raise exception 'a maintenance window must have a reason' using errcode = '22023', hint = 'It is shown where backups wait.';
  end if;
  perform backup.find_schedule(name) from unnest(p_schedules) as name;
  insert into backup.maintenance_window (starts_at, ends_at, reason, schedules)
  values (p_starts_at, p_ends_at, btrim(p_reason), nullif(p_schedules, '{}')) returning id into v_id;
  return v_id;
end
$$;

-- Ends an open window now, and removes one that has not begun. False when there is none to end.
create or replace function backup.maintenance_end(p_id bigint, p_now timestamptz default clock_timestamp())
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  delete from backup.maintenance_window where id = p_id and starts_at >= p_now;
  if not found then
    update backup.maintenance_window set ends_at = p_now where id = p_id and ends_at > p_now;
  end if;
  return found;
end
$$;
revoke all on all functions in schema backup from public;
