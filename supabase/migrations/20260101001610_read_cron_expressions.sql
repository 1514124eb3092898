-- Cron expressions as pg_cron reads them (Vixie's five fields, and `$` for the last day of a month), always in UTC.
-- What pg_cron would take and do something unexpected with is refused here: 5/15 (it means 5), 22-2 (it means never).
create or replace function backup.read_cron_field(p_text text, p_field text)
returns integer[]
language plpgsql
immutable strict
set search_path = ''
as $$
declare
  v_months constant text[] := array['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
  v_weekdays constant text[] := array['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
  v_low constant integer := case when p_field in ('day of month', 'month') then 1 else 0 end;
  v_high constant integer := case p_field
    when 'minute' then 59 when 'hour' then 23 when 'day of month' then 31 when 'month' then 12 when 'day of week' then 7 end;
  v_names constant text[] := case p_field when 'month' then v_months when 'day of week' then v_weekdays else '{}' end;
  v_item text;
  v_part text[];
  v_from integer;
  v_to integer;
  v_values integer[] := '{}';
begin
  foreach v_item in array string_to_array(p_text, ',') loop
    v_part := regexp_match(lower(v_item), '^(?:(\*)|([0-9]{1,2}|[a-z]{3})(?:-([0-9]{1,2}|[a-z]{3}))?)(?:/([0-9]{1,3}))?$');
    if v_part[1] is not null then
      v_from := v_low;
      v_to := v_high;
    else
      v_from := case when v_part[2] ~ '^[0-9]' then v_part[2]::integer else array_position(v_names, v_part[2]) - 1 + v_low end;
      v_to := case when v_part[3] is null then v_from when v_part[3] ~ '^[0-9]' then v_part[3]::integer
        else array_position(v_names, v_part[3]) - 1 + v_low end;
    end if;
    if v_from is null or v_to is null or v_from not between v_low and v_high or v_to not between v_low and v_high then
      raise exception 'the % of a cron expression must be *, a number from % to %, a range or a list of them: %', p_field, v_low,
        v_high || case when v_names <> '{}' then ' or a name such as ' || v_names[2] else '' end, p_text
        using errcode = '22023', hint = 'Fields: minute hour day-of-month month day-of-week, in UTC. 0 2 * * * is 02:00 every day.';
    end if;
    if v_part[4] is not null and v_part[1] is null and v_part[3] is null then
      raise exception 'a step in the % of a cron expression needs a range: %', p_field, v_item
        using errcode = '22023', hint = format('Write %s-%s/%s; pg_cron would read %s as %s.', v_from, v_high, v_part[4], v_item, v_from);
    end if;
    if v_to < v_from then
      raise exception 'a range in the % of a cron expression must not go backwards: %', p_field, v_item
        using errcode = '22023', hint = case when p_field = 'day of week' and v_to = 0 then 'At the end of a range Sunday is 7.'
          else format('Write two ranges: %s-%s,%s-%s.', v_from, case p_field when 'day of week' then 6 else v_high end, v_low, v_to) end;
    end if;
    if v_part[4]::integer not between 1 and v_high - v_low + 1 then
      raise exception 'a step in the % of a cron expression must be from 1 to %: %', p_field, v_high - v_low + 1, v_item
        using errcode = '22023', hint = 'The step stands after the slash: */15 is every fifteenth.';
    end if;
    v_values := v_values || array(select generate_series(v_from, v_to, coalesce(v_part[4]::integer, 1)));
  end loop;
  if p_field = 'day of week' then
    return array(select distinct value % 7 from unnest(v_values) as value order by 1); -- 7 is Sunday too
  end if;
  return array(select distinct value from unnest(v_values) as value order by 1);
end
$$;

-- either: a day of the month and a day of the week are both asked for, and one of them is enough. A field that begins
-- with * asks for nothing, also as */2: then both must fit (Vixie's rule).
create or replace function backup.read_cron(
  p_cron text, out minutes integer[], out hours integer[], out days integer[], out months integer[],
  out weekdays integer[], out last_day boolean, out either boolean)
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_field text[] := regexp_split_to_array(btrim(p_cron, E' \t\n'), '\s+');
begin
  if p_cron is null or cardinality(v_field) <> 5 then
    raise exception 'a cron expression has 5 fields: %', coalesce(p_cron, 'null')
      using errcode = '22023', hint = 'Fields: minute hour day-of-month month day-of-week, in UTC. 0 2 * * * is 02:00 every day.';
  end if;
  minutes := backup.read_cron_field(v_field[1], 'minute');
  hours := backup.read_cron_field(v_field[2], 'hour');
  last_day := v_field[3] = '$';
  days := case when last_day then '{}' else backup.read_cron_field(v_field[3], 'day of month') end;
  months := backup.read_cron_field(v_field[4], 'month');
  weekdays := backup.read_cron_field(v_field[5], 'day of week');
  either := v_field[3] !~ '^\*' and v_field[5] !~ '^\*';
end
$$;

-- The due times after p_after and not after p_until, in order. It goes by days, so a yearly schedule costs 365 steps.
create or replace function backup.cron_due(p_cron text, p_after timestamptz, p_until timestamptz)
returns setof timestamptz
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_cron record := backup.read_cron(p_cron);
begin
  if not isfinite(p_after) or not isfinite(p_until) then
    raise exception 'due times are listed between two moments: % and %', p_after, p_until using errcode = '22023';
  end if;
  return query
    select due.at
    from generate_series((p_after at time zone 'UTC')::date::timestamp, p_until at time zone 'UTC', interval '1 day') as day(at)
    cross join lateral (select
      case when v_cron.last_day then extract(day from day.at + interval '1 day') = 1
        else extract(day from day.at)::integer = any (v_cron.days) end as of_month,
      extract(dow from day.at)::integer = any (v_cron.weekdays) as of_week) as fits
    cross join unnest(v_cron.hours) as hour
    cross join unnest(v_cron.minutes) as minute
    cross join lateral (select (day.at + make_interval(hours => hour, mins => minute)) at time zone 'UTC' as at) as due
    where extract(month from day.at)::integer = any (v_cron.months)
      and case when v_cron.either then fits.of_month or fits.of_week else fits.of_month and fits.of_week end
      and due.at > p_after and due.at <= p_until
    order by 1;
end
$$;

-- The first due time after p_after; null when there is none within 41 years, which is longer than any rule of days waits.
create or replace function backup.cron_next(p_cron text, p_after timestamptz)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_after timestamptz := p_after;
  v_until timestamptz;
  v_found timestamptz;
begin
  foreach v_until in array array[
    p_after + interval '1 day', p_after + interval '8 days', p_after + interval '70 days', p_after + interval '2 years',
    p_after + interval '9 years', p_after + interval '41 years']
  loop
    select due into v_found from backup.cron_due(p_cron, v_after, v_until) as due limit 1;
    if v_found is not null then
      return v_found;
    end if;
    v_after := v_until;
  end loop;
  return null;
end
$$;

-- True, or an error that says what is wrong.
create or replace function backup.check_cron(p_cron text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  if backup.cron_next(p_cron, timestamptz '2000-01-01 00:00:00+00') is null then
    raise exception 'a cron expression must be due some day: %', p_cron
      using errcode = '22023', hint = 'The month has no such day. The last day of a month is $: 0 4 $ * *';
  end if;
  return true;
end
$$;

do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conname = 'schedule_cron_valid') then
    alter table backup.schedule add constraint schedule_cron_valid check (backup.check_cron(cron));
  end if;
end
$$;
revoke all on all functions in schema backup from public;
