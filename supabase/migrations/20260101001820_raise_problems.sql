-- From rows of public.system_health_alerts to problems: what they are called, when they are over, and which of their
-- facts may leave the project. The free text of a row never does: it can hold anything.

-- What may be said outside, by name. Anything else of event_data stays.
create or replace function backup.alert_facts(p_data jsonb)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(key, value), '{}')
  from jsonb_each(case jsonb_typeof(p_data) when 'object' then p_data else '{}' end
    || case when jsonb_typeof(p_data #> '{error,code}') = 'string' then jsonb_build_object('error_code', p_data #> '{error,code}') else '{}' end)
  where key in ('backup_id', 'backup_type', 'status', 'duration_seconds', 'tables', 'rows', 'raw_bytes', 'stored_bytes',
      'location', 'attempt', 'attempts', 'schedule', 'due_at', 'failed_in_a_row', 'missed', 'check', 'value', 'unit',
      'threshold', 'step', 'error_code', 'job_id')
    and (jsonb_typeof(value) in ('number', 'boolean')
      or jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[A-Za-z0-9][A-Za-z0-9_.:/+ -]*$'
         and length(value #>> '{}') <= case when key = 'location' then 300 else 80 end)
$$;

-- One line for people, made of facts. Health checks promise that their own words hold neither rows nor secrets; texts of
-- other alerts are said only when the owner named their types in the setting alert_text_types.
create or replace function backup.alert_text(p_type text, p_message text, p_facts jsonb)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_backup text := coalesce(p_facts ->> 'backup_id', 'of unknown id');
  v_schedule text := coalesce(p_facts ->> 'schedule', 'of unknown name');
  v_code text := coalesce(' (' || (p_facts ->> 'error_code') || ')', '');
  v_due text := coalesce(' at its time ' || (p_facts ->> 'due_at'), '');
begin
  return case p_type
    when 'backup_failed' then 'backup ' || v_backup || ' failed' || v_code
    when 'backup_completed' then 'backup ' || v_backup || ' ' || replace(coalesce(p_facts ->> 'status', 'completed'), '_', ' ')
    when 'backup_verification_failed' then 'backup ' || v_backup || ' fails verification: its stored objects are not as they were written'
    when 'backup_drill_failed' then 'the restore drill of backup ' || v_backup || ' failed'
    when 'schedule_failed' then 'schedule ' || v_schedule || ' failed' || v_due || v_code
    when 'schedule_blocked' then 'schedule ' || v_schedule || ' cannot begin' || v_due
    when 'schedule_broken' then 'schedule ' || v_schedule || ' cannot be served'
    when 'schedule_missed' then 'times of schedule ' || v_schedule || ' were missed; the newest is made up'
    when 'schedule_skipped' then 'schedule ' || v_schedule || ' was skipped' || v_due
    when 'tick_step_failed' then 'the step ' || coalesce(p_facts ->> 'step', 'of unknown name') || ' of the heartbeat fails'
    else case when backup.alert_matches(
        (select array_agg(t) from backup.setting, jsonb_array_elements_text(
          case jsonb_typeof(value) when 'array' then value else '[]' end) as t where name = 'alert_text_types'), p_type, p_type)
      then left(coalesce(p_message, p_type), 500)
      else 'an alert of the type ' || backup.alert_type_word(p_type) || ': see public.system_health_alerts' end
  end;
end
$$;

create or replace function backup.alert_type_word(p_type text)
returns text
language sql
immutable
set search_path = ''
as $$
  select left(regexp_replace(coalesce(p_type, 'unknown'), '[^A-Za-z0-9_.:-]+', '_', 'g'), 60)
$$;

-- A new problem, or one time more of an open one. p_count: false for another view of what was counted already.
create or replace function backup.raise_problem(
  p_key text, p_type text, p_severity text, p_message text, p_facts jsonb, p_at timestamptz, p_todo text default '',
  p_count boolean default true)
returns uuid
language sql
set search_path = ''
as $$
  insert into backup.problem as p (key, type, severity, message, facts, todo, first_seen, last_seen)
  values (p_key, p_type, p_severity, p_message, p_facts, p_todo, p_at, p_at)
  on conflict (key) where state = 'open' do update
    set type = excluded.type, message = excluded.message, facts = excluded.facts, todo = excluded.todo,
        severity = case when backup.severity_rank(excluded.severity) > backup.severity_rank(p.severity)
                        then excluded.severity else p.severity end,
        occurrences = p.occurrences + p_count::integer, last_seen = greatest(p.last_seen, excluded.last_seen)
  returning id
$$;

-- The failure of a scheduled run is the failure of its backup, its verification or its drill: one problem, not two.
create or replace function backup.problem_key_of_schedule(p_facts jsonb)
returns text
language sql
stable
set search_path = ''
as $$
  select coalesce(
    (select p.key from backup.problem p
     where p.state = 'open' and p.key in (
       'verification:' || (p_facts ->> 'backup_id'),
       (select 'backup:' || b.backup_type from public.backup_log b where b.backup_id = p_facts ->> 'backup_id'),
       case when p_facts ->> 'job_id' is not null then 'drill' end)
     order by p.last_seen desc limit 1),
    'schedule:' || coalesce(p_facts ->> 'schedule', ''))
$$;

-- A check that is good again before anybody has read that it was bad: its words of now would say that all is well.
create or replace function backup.raise_health(p_check text)
returns void
language sql
set search_path = ''
as $$
  select backup.raise_problem('health:' || h.check_name, 'health_check_unhealthy', h.severity,
    h.title || case when h.state = 'healthy' then ': it was unhealthy for a moment' else ': ' || h.detail end,
    case when h.state = 'healthy' then jsonb_build_object('check', h.check_name) else backup.alert_facts(
      jsonb_build_object('check', h.check_name, 'value', h.value, 'unit', h.unit, 'threshold', h.threshold)) end,
    h.last_seen, h.todo)
  from backup.health_state h
  left join backup.problem p on p.key = 'health:' || h.check_name and p.state = 'open'
  where h.check_name = p_check and (p.id is null or h.state = 'unhealthy' and h.last_seen > p.last_seen)
$$;

create or replace function backup.too_many_problems(p_key text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select not exists (select from backup.problem where key = p_key and state = 'open')
    and (select count(*) from backup.problem where state = 'open' and key !~ '^(health|channel):')
      >= backup.setting_int('alert_most_problems', 50)
$$;

-- One row, read. Information becomes a notice, and what is worse a problem.
create or replace function backup.take_alert(p_id text, p_row jsonb, p_at timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_type text := coalesce(p_row ->> 'alert_type', 'unknown');
  v_data jsonb := case jsonb_typeof(p_row -> 'event_data') when 'object' then p_row -> 'event_data' else '{}' end;
  v_severity text := backup.severity_of(p_row ->> 'severity');
  v_facts jsonb := backup.alert_facts(v_data);
  v_text text := backup.alert_text(v_type, p_row ->> 'message', v_facts);
  v_key text;
begin
  if v_type = 'health_check_unhealthy' and exists (select from backup.health_state where check_name = v_data ->> 'check') then
    perform backup.raise_health(v_data ->> 'check');
    return;
  elsif v_type in ('health_check_healthy', 'health_check_inconclusive') then
    return; -- what is good again is seen in backup.health_state, with its moment
  elsif v_severity = 'info' then
    perform backup.plan_notice(p_id, v_type, v_text, v_facts, p_at);
    return;
  end if;
  -- Of facts alone: a key is said outside.
  v_key := case v_type
    when 'backup_failed' then 'backup:' || coalesce(v_facts ->> 'backup_type', 'unknown')
    when 'backup_verification_failed' then 'verification:' || coalesce(v_facts ->> 'backup_id', 'unknown')
    when 'backup_drill_failed' then 'drill'
    when 'schedule_failed' then backup.problem_key_of_schedule(v_facts)
    when 'schedule_blocked' then 'schedule:' || coalesce(v_facts ->> 'schedule', '')
    when 'schedule_broken' then 'schedule-broken:' || coalesce(v_facts ->> 'schedule', '')
    when 'schedule_missed' then 'schedule-missed:' || coalesce(v_facts ->> 'schedule', '')
    when 'schedule_skipped' then 'schedule-skipped:' || coalesce(v_facts ->> 'schedule', '')
    when 'tick_step_failed' then 'tick:' || coalesce(v_facts ->> 'step', '')
    else 'alert:' || backup.alert_type_word(v_type) end;
  -- A flood of types is one problem: nobody reads a thousand messages, and each tick looks at every open problem.
  if backup.too_many_problems(v_key) then
    perform backup.raise_problem('alert:others', 'too_many_problems', v_severity,
      'too many problems are open; the newest are not told one by one: see public.system_health_alerts', '{}', p_at);
    return;
  end if;
  perform backup.raise_problem(v_key, backup.alert_type_word(v_type), v_severity, v_text, v_facts, p_at, '',
    v_type <> 'schedule_failed' or v_key like 'schedule:%');
end
$$;

-- New rows, the worst first, so that a flood of small news holds up nothing that matters; at most 500, and for no longer
-- than half a second: the next tick goes on. One that cannot be read is a problem of its own and is not tried for ever.
create or replace function backup.read_alerts(p_now timestamptz)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_row record;
  v_json jsonb;
  v_read integer := 0;
  v_until timestamptz;
begin
  for v_row in
    select alert.* from (select null::text as id) as no_id,
      -- Not qualified: id is the table's, or null in a table that was there before us and has none.
      lateral (select coalesce(id::text, md5(to_jsonb(a)::text)) as alert_id, a.created_at::timestamptz as alert_at, a.severity,
          a.tableoid as relation, a.ctid as place
        from public.system_health_alerts a where a.created_at > p_now - interval '2 days') as alert
    where not exists (select from backup.alert_seen s where s.alert_id = alert.alert_id)
    order by backup.severity_rank(backup.severity_of(severity)) desc, alert_at, alert_id
    limit 500
  loop
    v_until := coalesce(v_until, clock_timestamp() + interval '500 milliseconds');
    -- One by one: event_data may be of any size.
    select to_jsonb(a) into v_json from public.system_health_alerts a where a.ctid = v_row.place and a.tableoid = v_row.relation;
    continue when not found; -- changed meanwhile: it is read with the next tick
    insert into backup.alert_seen (alert_id, alert_at) values (v_row.alert_id, v_row.alert_at) on conflict (alert_id) do nothing;
    begin
      perform backup.take_alert(v_row.alert_id, v_json, least(v_row.alert_at, p_now));
    exception when others then
      perform backup.raise_problem('alert:unreadable', 'alert_unreadable', 'warning',
        format('a row of public.system_health_alerts cannot be read (%s)', sqlstate), '{}', p_now);
    end;
    v_read := v_read + 1;
    exit when clock_timestamp() > v_until;
  end loop;
  delete from backup.alert_seen where greatest(at, alert_at) < p_now - interval '8 days';
  return v_read;
end
$$;

-- A check that stays unhealthy is seen again with each evaluation: that is what "twice in a row" counts.
create or replace function backup.refresh_health_problems()
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_check text;
begin
  for v_check in select check_name from backup.health_state where state = 'unhealthy' order by 1 loop
    perform backup.raise_health(v_check) from backup.problem where key = 'health:' || v_check and state = 'open';
  end loop;
end
$$;

-- Why a problem is over; null while it is not. What has a state is asked for it; an event is over when it does not come
-- again. A check must stay healthy for a while (alert_resolve_after_minutes), so that one that flaps is one problem.
create or replace function backup.problem_over(p_problem backup.problem, p_now timestamptz)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind text := split_part(p_problem.key, ':', 1);
  v_name text := substr(p_problem.key, length(split_part(p_problem.key, ':', 1)) + 2);
  v_quiet interval := make_interval(hours => backup.setting_int('alert_event_hours', 24));
  v_found text;
begin
  if v_kind = 'health' and exists (select from backup.health_state where check_name = v_name) then
    select 'the check is healthy again' into v_found from backup.health_state
    where check_name = v_name and state = 'healthy'
      and since <= p_now - make_interval(mins => backup.setting_int('alert_resolve_after_minutes', 5));
    return v_found;
  elsif v_kind = 'backup' then
    select format('backup %s is complete', backup_id) into v_found from public.backup_log
    where backup_type = v_name and status in ('completed', 'completed_with_limits') and completed_at > p_problem.last_seen
    order by completed_at desc limit 1;
    if v_found is not null or v_name in ('hourly', 'daily', 'weekly', 'monthly', 'yearly') then
      return v_found;
    end if;
  elsif v_kind = 'verification' then
    select format('backup %s is verified', v.backup_id) into v_found
    from public.backup_verification v
    where v.success and v.verification_date > p_problem.first_seen
      and (v.backup_id = v_name or v.backup_id in (
        select later.backup_id from public.backup_log failed
        join public.backup_log later on later.backup_type = failed.backup_type and later.started_at > failed.started_at
        where failed.backup_id = v_name and later.status in ('completed', 'completed_with_limits')))
    order by v.verification_date desc limit 1;
    return v_found;
  elsif v_kind = 'drill' then
    select format('the drill of backup %s passed', backup_id) into v_found from public.backup_tests
    where success and test_type <> 'integrity_check' and completed_at > p_problem.last_seen order by completed_at desc limit 1;
    return v_found;
  elsif v_kind = 'schedule' then
    select case when not s.enabled then 'the schedule is switched off'
                when exists (select from backup.schedule_run r where r.name = s.name and r.state = 'succeeded'
                             and r.ended_at > p_problem.last_seen) then 'the schedule succeeded again' end
    into v_found from backup.schedule s where s.name = v_name;
    return case when found then v_found else 'the schedule is gone' end;
  elsif v_kind = 'channel' then
    if exists (select from backup.alert_delivery where channel = v_name and state = 'sent' and sent_at > p_problem.last_seen) then
      return 'the channel delivers again';
    elsif not exists (select from backup.alert_channel where name = v_name and enabled) then
      return 'the channel is gone';
    end if;
  elsif v_kind = 'tick' or v_kind = 'schedule-broken' then
    v_quiet := interval '70 minutes'; -- these are announced once an hour while they last
  end if;
  return case when p_problem.last_seen < p_now - v_quiet then 'it did not come again' end;
end
$$;
revoke all on all functions in schema backup from public;
