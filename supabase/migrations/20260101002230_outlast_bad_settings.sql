-- What one bad setting or one failing step could silence. Functions as before, from the migrations named beside them.

-- From 20260101000300. A setting that is no number counts as its preset: 'seven' or '7,5' must not stop the heartbeat.
create or replace function backup.setting_int(p_name text, p_default integer)
returns integer
language sql
stable
set search_path = ''
as $$
  select coalesce(
    (select case when value #>> '{}' ~ '^\s*-?\d{1,9}(\.\d+)?\s*$' then round((value #>> '{}')::numeric)::integer end
     from backup.setting where name = p_name),
    p_default)
$$;

-- How each step of the heartbeat goes, for those who look: what tells of problems is a step as well.
alter table backup.tick_step
  add column if not exists failing_since timestamptz,
  add column if not exists error_code text,
  add column if not exists error text;
comment on column backup.tick_step.failing_since is 'Since when it has failed with every tick; null: the last time it did not.';
comment on column backup.tick_step.error is 'What the last failure said. It stays here: it may hold rows.';

-- From 20260101001310.
create or replace function backup.run_tick_steps()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_step text;
  v_answer jsonb;
  v_done jsonb := '{}';
begin
  for v_step in select name from backup.tick_step order by position, name loop
    begin
      execute format('select to_jsonb(backup.%I())', v_step) into v_answer;
      v_done := v_done || jsonb_build_object(v_step, v_answer);
      update backup.tick_step set failing_since = null, error_code = null, error = null
      where name = v_step and failing_since is not null;
    exception when others then
      v_done := v_done || jsonb_build_object(v_step, jsonb_build_object('error', sqlerrm, 'code', sqlstate));
      update backup.tick_step
      set failing_since = coalesce(failing_since, clock_timestamp()), error_code = sqlstate, error = left(sqlerrm, 500)
      where name = v_step;
      if not exists (select from public.system_health_alerts
                     where alert_type = 'tick_step_failed' and event_data ->> 'step' = v_step
                       and created_at > clock_timestamp() - interval '1 hour') then
        perform backup.announce('tick_step_failed', 'critical', format('%s of the heartbeat fails: %s', v_step, sqlerrm),
          jsonb_build_object('step', v_step, 'code', sqlstate));
      end if;
    end;
  end loop;
  return v_done;
end
$$;

-- Does every step of the heartbeat do its part? One bad minute is told by its alert; what lasts is said here too, because
-- nobody reads alerts while the step that reads them is the one that fails.
create or replace function backup.health_of_steps(p_now timestamptz default clock_timestamp())
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'check', 'heartbeat_steps', 'title', 'Steps of the heartbeat', 'category', 'platform', 'severity', 'critical',
    'state', case when found.lasting is null then 'healthy' else 'unhealthy' end,
    'value', found.minutes, 'unit', 'minutes', 'threshold', found.most,
    'detail', coalesce(found.lasting, found.failing || ' in the last tick', format('%s steps, none fails', found.steps)),
    'todo', case when found.lasting is null then '' else
      'See why: select name, error from backup.tick_step where failing_since is not null. Whether anything is missing in the database: npm run doctor.' end)
  from (
    select count(s.name) as steps, limits.most, coalesce(round(max(s.minutes), 1), 0) as minutes,
      string_agg(format('%s has failed for %s minutes (%s)', s.name, round(s.minutes), s.error_code), '; ' order by s.position, s.name)
        filter (where s.minutes > limits.most) as lasting,
      string_agg(format('%s failed (%s)', s.name, s.error_code), '; ' order by s.position, s.name)
        filter (where s.minutes is not null) as failing
    from (select coalesce(backup.health_threshold_value('tick_silence_minutes'), 3) as most) as limits
    left join (select *, extract(epoch from p_now - failing_since) / 60 as minutes from backup.tick_step) as s on true
    group by limits.most) as found
$$;

-- By SQL too: where jobs are not dispatched, no function evaluates anything.
create or replace function backup.watch_steps()
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  perform backup.record_health(jsonb_build_array(backup.health_of_steps()));
  return '{}';
end
$$;
insert into backup.tick_step (name, position) values ('watch_steps', 97) on conflict (name) do nothing;

-- From 20260101001810. Settings are changed one by one; those of another kind of channel mean nothing to the new one.
create or replace function backup.alert_channel_set(
  p_name text, p_kind text default null, p_secret_name text default null, p_settings jsonb default null,
  p_enabled boolean default null, p_fallback text default null)
returns backup.alert_channel
language plpgsql
set search_path = ''
as $$
declare
  v_channel backup.alert_channel;
begin
  -- One at a time: two changes that do not see each other could close a circle of fallbacks.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.alert_channels', 0));
  select * into v_channel from backup.alert_channel where name = p_name for update;
  if not found and (p_kind is null or p_secret_name is null) then
    raise exception 'there is no channel %; a new one needs p_kind and p_secret_name', p_name using errcode = 'P0002';
  end if;
  if p_fallback <> '' and not exists (select from backup.alert_channel where name = p_fallback) then
    raise exception 'there is no channel % to fall back to', p_fallback using errcode = 'P0002';
  end if;
  if p_kind <> v_channel.kind or v_channel.settings is null then
    v_channel.settings := '{}';
  end if;
  v_channel.name := p_name;
  v_channel.kind := coalesce(p_kind, v_channel.kind);
  v_channel.secret_name := coalesce(p_secret_name, v_channel.secret_name);
  -- A webhook has one address: a new one takes the old one's place, whichever way it is given.
  v_channel.settings := jsonb_strip_nulls(v_channel.settings
    - case when p_settings ? 'url' then 'url_secret_name' when p_settings ? 'url_secret_name' then 'url' else '' end
    || coalesce(p_settings, '{}'));
  v_channel.enabled := coalesce(p_enabled, v_channel.enabled, true);
  v_channel.fallback := case when p_fallback is null then v_channel.fallback else nullif(p_fallback, '') end;
  perform backup.check_alert_channel(v_channel);
  insert into backup.alert_channel as c (name, kind, secret_name, settings, enabled, fallback)
  values (v_channel.name, v_channel.kind, v_channel.secret_name, v_channel.settings, v_channel.enabled, v_channel.fallback)
  on conflict (name) do update
    set kind = excluded.kind, secret_name = excluded.secret_name, settings = excluded.settings,
        enabled = excluded.enabled, fallback = excluded.fallback, updated_at = clock_timestamp()
  returning * into v_channel;
  perform backup.check_alert_fallback(p_name);
  return v_channel;
end
$$;
comment on function backup.alert_channel_set(text, text, text, jsonb, boolean, text) is
  'Makes or changes a channel; what is not given stays, setting by setting. A setting of null is taken away, as is the fallback with p_fallback => ''''.';

-- From 20260101001830. What came to a channel in another one's place counts too: it has the same key, so that a second
-- one is never made, and repeats are counted from there.
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
    where subject = v_subject and channel = v_channel and kind in ('open', 'repeat');
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

-- From 20260101001830. The moment of the week that came last, which may belong to the week before: Sunday 23:00 is still
-- told on Monday. Any number is a moment of the week, so that no setting stops the step.
create or replace function backup.plan_digest(p_now timestamptz)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_hours bigint := (backup.setting_int('digest_day', 1) - 1) * 24::bigint + backup.setting_int('digest_hour', 8);
  v_due timestamptz := (date_trunc('week', p_now at time zone 'UTC')
    + make_interval(hours => mod(mod(v_hours, 168) + 168, 168)::integer)) at time zone 'UTC';
  v_from timestamptz;
  v_facts jsonb;
begin
  if v_due > p_now then
    v_due := v_due - interval '7 days';
  end if;
  v_from := v_due - interval '7 days';
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

-- From 20260101001820, with hours that no setting can make too many.
create or replace function backup.problem_over(p_problem backup.problem, p_now timestamptz)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_kind text := split_part(p_problem.key, ':', 1);
  v_name text := substr(p_problem.key, length(split_part(p_problem.key, ':', 1)) + 2);
  v_quiet interval := make_interval(hours => least(backup.setting_int('alert_event_hours', 24), 876000));
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

-- From 20260101001840. Deliveries of a problem stay for as long as it, however old they are: by them it is known who was
-- told. 0 days keep all.
create or replace function backup.tick_alerts(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_read integer;
  v_resolved integer;
  v_delivery backup.alert_delivery;
  v_due boolean;
  v_keep_days integer := least(backup.setting_int('alert_keep_days', 90), 36500);
begin
  -- Two heartbeats at once: the other one does it.
  if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.alerts', 0)) then
    return '{"busy": true}';
  end if;
  v_read := backup.read_alerts(p_now);
  perform backup.refresh_health_problems();
  -- Told before it is resolved: what failed and was made good within a minute has failed all the same.
  perform backup.plan_problems(p_now);
  perform backup.revive_deliveries(p_now);
  v_resolved := backup.resolve_problems(p_now);
  perform backup.plan_pings(p_now);
  perform backup.plan_digest(p_now);
  for v_delivery in
    select * from backup.alert_delivery
    where state = 'pending' and attempts >= backup.setting_int('alert_attempts', 5) and not_before <= clock_timestamp()
    for update skip locked
  loop
    perform backup.fail_delivery(v_delivery, 'the worker ended each time before it could say how the sending went');
  end loop;
  if v_keep_days > 0 then
    delete from backup.alert_delivery
    where state <> 'pending' and problem_id is null and created_at < p_now - make_interval(days => v_keep_days);
    delete from backup.problem
    where state = 'resolved' and resolved_at < p_now - make_interval(days => v_keep_days);
  end if;
  delete from backup.alert_delivery
  where state <> 'pending' and subject like 'heartbeat:%' and created_at < p_now - interval '1 day';
  -- Nothing waits for longer than a night: the clock has gone back.
  update backup.alert_delivery set not_before = clock_timestamp()
  where state = 'pending' and not_before > greatest(p_now, clock_timestamp()) + interval '25 hours';
  delete from backup.job where kind = 'deliver_alerts' and ended_at < p_now - interval '1 day';
  v_due := coalesce(backup.next_delivery_in_seconds() <= 0, false);
  if v_due then
    perform backup.start_job('deliver_alerts', 'all');
    update backup.job set not_before = clock_timestamp()
    where kind = 'deliver_alerts' and state = 'pending' and not_before > clock_timestamp();
  end if;
  return jsonb_build_object('read', v_read, 'resolved', v_resolved, 'due', v_due);
end
$$;
revoke all on all functions in schema backup from public;
