-- The name of the problem that a row of system_health_alerts belongs to, in one place: the heartbeat raises problems by
-- it, and the rows of a problem that is open are never cleared away.
create or replace function backup.problem_key(p_type text, p_facts jsonb)
returns text
language sql
stable
set search_path = ''
as $$
  -- Of facts alone: a key is said outside.
  select case
    when p_type like 'health\_check\_%' and exists (select from backup.health_state where check_name = p_facts ->> 'check')
      then 'health:' || (p_facts ->> 'check')
    when p_type = 'backup_failed' then 'backup:' || coalesce(p_facts ->> 'backup_type', 'unknown')
    when p_type = 'backup_verification_failed' then 'verification:' || coalesce(p_facts ->> 'backup_id', 'unknown')
    when p_type = 'backup_drill_failed' then 'drill'
    when p_type = 'schedule_failed' then backup.problem_key_of_schedule(p_facts)
    when p_type = 'schedule_blocked' then 'schedule:' || coalesce(p_facts ->> 'schedule', '')
    when p_type = 'schedule_broken' then 'schedule-broken:' || coalesce(p_facts ->> 'schedule', '')
    when p_type = 'schedule_missed' then 'schedule-missed:' || coalesce(p_facts ->> 'schedule', '')
    when p_type = 'schedule_skipped' then 'schedule-skipped:' || coalesce(p_facts ->> 'schedule', '')
    when p_type = 'tick_step_failed' then 'tick:' || coalesce(p_facts ->> 'step', '')
    else 'alert:' || backup.alert_type_word(p_type) end
$$;

-- What to do about it, made of facts alone. Health checks bring words of their own.
create or replace function backup.problem_todo(p_type text, p_facts jsonb)
returns text
language sql
immutable
set search_path = ''
as $$
  select case p_type
    when 'backup_failed' then coalesce(format('See why: select error from backup_log where backup_id = %L. ', p_facts ->> 'backup_id'), '')
      || 'Whether the installation is well: npm run doctor.'
    when 'backup_verification_failed' then
      'Take a new backup at once: select create_manual_backup(''the last one is damaged'', null). Then find out who changed the store.'
    when 'backup_drill_failed' then coalesce(format(
      'See what failed: select errors from backup_tests where backup_id = %L order by started_at desc limit 1.', p_facts ->> 'backup_id'), '')
    when 'schedule_failed' then 'See why: npm run backup:schedule -- list. Whether the installation is well: npm run doctor.'
    when 'schedule_blocked' then coalesce(format('See what is in its way: select * from backup.preflight(%L).', p_facts ->> 'schedule'), '')
    when 'tick_step_failed' then
      'See why: select message from system_health_alerts where alert_type = ''tick_step_failed'' order by created_at desc limit 1.'
    else '' end
$$;

-- As before (20260101001820), with name and advice from above.
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
  v_key := backup.problem_key(v_type, v_facts);
  -- A flood of types is one problem: nobody reads a thousand messages, and each tick looks at every open problem.
  if backup.too_many_problems(v_key) then
    perform backup.raise_problem('alert:others', 'too_many_problems', v_severity,
      'too many problems are open; the newest are not told one by one: see public.system_health_alerts', '{}', p_at);
    return;
  end if;
  perform backup.raise_problem(v_key, backup.alert_type_word(v_type), v_severity, v_text, v_facts, p_at,
    backup.problem_todo(v_type, v_facts), v_type <> 'schedule_failed' or v_key like 'schedule:%');
end
$$;
revoke all on all functions in schema backup from public;
