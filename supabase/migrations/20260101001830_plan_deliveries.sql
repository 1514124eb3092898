-- Which messages are due: rules make deliveries of problems and notices; the digest of the week; signs of life.

-- Where alerts say they come from: the setting alert_source, or the host of the project.
create or replace function backup.alert_source()
returns text
language sql
stable
set search_path = ''
as $$
  select left(coalesce(
    (select value #>> '{}' from backup.setting where name = 'alert_source'),
    (select substring(value #>> '{}' from '^https?://([^/:]+)') from backup.setting where name = 'functions_url'),
    current_database()), 100)
$$;

create or replace function backup.add_delivery(
  p_subject text, p_channel text, p_kind text, p_sequence integer, p_message jsonb, p_problem uuid default null,
  p_not_before timestamptz default null, p_expires_at timestamptz default null)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  insert into backup.alert_delivery (subject, problem_id, channel, kind, sequence, message, not_before, expires_at, created_at)
  values (p_subject, p_problem, p_channel, p_kind, p_sequence,
    p_message || jsonb_build_object('kind', p_kind, 'source', backup.alert_source()),
    coalesce(p_not_before, clock_timestamp()), p_expires_at, (p_message ->> 'at')::timestamptz)
  on conflict on constraint alert_delivery_once do nothing;
  return found;
end
$$;

create or replace function backup.problem_message(p_problem backup.problem, p_at timestamptz)
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_build_object(
    'problem', p_problem.id, 'key', p_problem.key, 'type', p_problem.type, 'severity', p_problem.severity,
    'text', p_problem.message, 'todo', p_problem.todo, 'facts', p_problem.facts, 'occurrences', p_problem.occurrences,
    'first_seen', p_problem.first_seen, 'resolved_at', p_problem.resolved_at, 'because', p_problem.resolved_because, 'at', p_at)
$$;

-- Channels of a rule that can take it. A channel is not told that it does not work itself.
create or replace function backup.channels_of(p_names text[], p_problem backup.problem)
returns setof text
language sql
stable
set search_path = ''
as $$
  select c.name from backup.alert_channel c
  where c.name = any (p_names) and c.enabled and p_problem.key <> 'channel:' || c.name
  order by c.name
$$;

create or replace function backup.plan_problem(p_problem backup.problem, p_rule backup.alert_rule, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_subject text := 'problem:' || p_problem.id;
  v_rank integer := backup.severity_rank(p_problem.severity);
  v_message jsonb := backup.problem_message(p_problem, p_now);
  v_channel text;
  v_told record;
begin
  -- Not kept for later: what is still wrong when the quiet is over is told then.
  if backup.quiet_end(p_rule, p_problem.severity, p_now) is not null then
    return;
  end if;
  for v_channel in select * from backup.channels_of(p_rule.channels, p_problem) loop
    select max(sequence) filter (where kind = 'open') as rank, max(created_at) as at,
      coalesce(max(sequence) filter (where kind = 'repeat'), 0) as repeats
    into v_told from backup.alert_delivery
    where subject = v_subject and channel = v_channel and kind in ('open', 'repeat') and via is null;
    -- Told once; told anew when it has become worse.
    if coalesce(v_told.rank, 0) < v_rank then
      perform backup.add_delivery(v_subject, v_channel, 'open', v_rank, v_message, p_problem.id);
    elsif v_told.at + p_rule.repeat_every <= p_now then
      perform backup.add_delivery(v_subject, v_channel, 'repeat', v_told.repeats + 1, v_message, p_problem.id);
    end if;
  end loop;
  if p_problem.first_seen + p_rule.escalate_after <= p_now then
    for v_channel in select * from backup.channels_of(p_rule.escalate_to, p_problem) loop
      perform backup.add_delivery(v_subject, v_channel, 'escalation', 0, v_message, p_problem.id);
    end loop;
  end if;
end
$$;

create or replace function backup.plan_problems(p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_problem backup.problem;
  v_rule backup.alert_rule;
begin
  for v_problem in select * from backup.problem where state = 'open' order by first_seen, id loop
    for v_rule in
      select * from backup.alert_rule r
      where r.enabled and backup.alert_matches(r.alert_types, v_problem.type, v_problem.key)
        and backup.severity_rank(v_problem.severity) >= backup.severity_rank(r.min_severity)
        and v_problem.occurrences >= r.min_occurrences
      order by r.name
    loop
      perform backup.plan_problem(v_problem, v_rule, p_now);
    end loop;
  end loop;
end
$$;

-- Whoever was told that it began is told that it is over. Pagers and pings always are: they would stay red.
create or replace function backup.plan_resolved(p_problem backup.problem, p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_channel backup.alert_channel;
  v_rule backup.alert_rule;
begin
  for v_channel in
    select * from backup.alert_channel c
    where c.enabled and exists (
      select from backup.alert_delivery d where d.subject = 'problem:' || p_problem.id and d.channel = c.name
        and d.kind in ('open', 'escalation', 'repeat') and d.state in ('pending', 'sent'))
    order by c.name
  loop
    select * into v_rule from backup.alert_rule r
    where r.enabled and v_channel.name = any (r.channels || r.escalate_to)
      and backup.alert_matches(r.alert_types, p_problem.type, p_problem.key)
    order by r.send_resolved desc, r.name limit 1;
    if v_channel.kind in ('pagerduty', 'ping') then
      perform backup.add_delivery('problem:' || p_problem.id, v_channel.name, 'resolved', 0,
        backup.problem_message(p_problem, p_now), p_problem.id);
    elsif v_rule.send_resolved is distinct from false then
      perform backup.add_delivery('problem:' || p_problem.id, v_channel.name, 'resolved', 0,
        backup.problem_message(p_problem, p_now), p_problem.id, backup.quiet_end(v_rule, p_problem.severity, p_now));
    end if;
  end loop;
end
$$;

create or replace function backup.resolve_problems(p_now timestamptz)
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_problem backup.problem;
  v_because text;
  v_resolved integer := 0;
begin
  for v_problem in select * from backup.problem where state = 'open' order by first_seen, id loop
    v_because := backup.problem_over(v_problem, p_now);
    continue when v_because is null;
    update backup.problem set state = 'resolved', resolved_at = p_now, resolved_because = v_because
    where id = v_problem.id returning * into v_problem;
    perform backup.plan_resolved(v_problem, p_now);
    v_resolved := v_resolved + 1;
  end loop;
  return v_resolved;
end
$$;

-- Good news, and what else is only for information. Pagers and pings do not take it.
create or replace function backup.plan_notice(p_id text, p_type text, p_text text, p_facts jsonb, p_at timestamptz, p_kind text default 'notice')
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_rule backup.alert_rule;
  v_channel text;
begin
  for v_rule in
    select * from backup.alert_rule r
    where r.enabled and r.min_severity = 'info' and backup.alert_matches(r.alert_types, p_type, p_type) order by r.name
  loop
    for v_channel in
      select name from backup.alert_channel c
      where c.name = any (v_rule.channels) and c.enabled and c.kind not in ('pagerduty', 'ping') order by 1
    loop
      perform backup.add_delivery(p_kind || ':' || p_id, v_channel, p_kind, 0,
        jsonb_build_object('type', backup.alert_type_word(p_type), 'severity', 'info', 'text', p_text, 'facts', p_facts, 'at', p_at),
        null, backup.quiet_end(v_rule, 'info', greatest(p_at, clock_timestamp())));
    end loop;
  end loop;
end
$$;

-- The week in numbers, at digest_hour (UTC) of digest_day (1 is Monday); a day later it is too late for this week's.
create or replace function backup.plan_digest(p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_due timestamptz := (date_trunc('week', p_now at time zone 'UTC')
    + make_interval(days => backup.setting_int('digest_day', 1) - 1, hours => backup.setting_int('digest_hour', 8))) at time zone 'UTC';
  v_from timestamptz := v_due - interval '7 days';
  v_facts jsonb;
begin
  if p_now not between v_due and v_due + interval '1 day' then
    return;
  end if;
  select jsonb_build_object(
    'backups_completed', count(*) filter (where status in ('completed', 'completed_with_limits')),
    'backups_failed', count(*) filter (where status = 'failed'),
    'week_bytes', coalesce(sum(stored_bytes) filter (where status in ('completed', 'completed_with_limits')), 0))
  into v_facts from public.backup_log where completed_at > v_from and completed_at <= v_due;
  v_facts := v_facts || (select jsonb_build_object(
      'verifications_passed', count(*) filter (where success), 'verifications_failed', count(*) filter (where not success))
    from public.backup_verification where verification_date > v_from and verification_date <= v_due);
  v_facts := v_facts || (select jsonb_build_object(
      'drills_passed', count(*) filter (where success), 'drills_failed', count(*) filter (where not success))
    from public.backup_tests where completed_at > v_from and completed_at <= v_due);
  v_facts := v_facts || (select jsonb_build_object('open_problems', count(*)) from backup.problem where state = 'open');
  perform backup.plan_notice(to_char(v_due at time zone 'UTC', 'IYYY-"W"IW'), 'weekly_digest',
    case when v_facts ->> 'backups_completed' = '0' then 'no backup was completed; ' else '' end || coalesce('open: ' || (select string_agg(message, '; ') from (
      select message from backup.problem where state = 'open' order by backup.severity_rank(severity) desc, first_seen limit 10) as p),
      'nothing is open'), v_facts, v_due, 'digest');
end
$$;

-- Dead man's switches. heartbeat: a ping for each slot while the evaluation runs and nothing critical is unhealthy; runs: a ping
-- for each ended time of a schedule. Silence outside means trouble, whatever it is that died.
create or replace function backup.plan_pings(p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_channel backup.alert_channel;
  v_minutes integer;
  v_slot bigint;
  v_well boolean := not exists (select from backup.health_state where state = 'unhealthy' and severity = 'critical')
    and exists (select from backup.heartbeat where name = 'evaluation' and at > p_now - interval '10 minutes');
begin
  for v_channel in select * from backup.alert_channel where kind = 'ping' and enabled order by name loop
    if v_channel.settings ->> 'mode' = 'heartbeat' and v_well then
      v_minutes := coalesce((v_channel.settings ->> 'every_minutes')::integer, 5);
      v_slot := floor(extract(epoch from p_now) / (v_minutes * 60));
      perform backup.add_delivery('heartbeat:' || v_slot, v_channel.name, 'notice', 0,
        jsonb_build_object('type', 'heartbeat', 'severity', 'info', 'ping', 'success', 'text', 'no critical check is unhealthy',
          'facts', '{}'::jsonb, 'at', p_now), null, null, to_timestamp((v_slot + 1) * v_minutes * 60));
    elsif v_channel.settings ->> 'mode' = 'runs' then
      perform backup.add_delivery(
        'run:' || r.name || ':' || extract(epoch from r.due_at)::bigint, v_channel.name, 'notice', 0,
        jsonb_build_object('type', 'schedule_' || r.state, 'severity', case r.state when 'failed' then 'critical' else 'info' end,
          'ping', case r.state when 'failed' then 'fail' else 'success' end,
          'text', format('schedule %s %s', r.name, r.state),
          'facts', backup.alert_facts(jsonb_build_object('schedule', r.name, 'due_at', r.due_at, 'backup_id', r.backup_id)), 'at', p_now))
      from backup.schedule_run r
      where r.state in ('succeeded', 'failed') and r.ended_at > greatest(v_channel.created_at, p_now - interval '1 day')
        and r.name = coalesce(v_channel.settings ->> 'schedule', r.name)
      order by r.ended_at;
    end if;
  end loop;
end
$$;
revoke all on all functions in schema backup from public;
