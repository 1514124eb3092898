-- The checks that SQL evaluates, as before (20260101001705) with titles that name a subject: an alert reads "title: finding",
-- and "pg_cron calls the heartbeat: the last tick was 9 minutes ago" said both.
insert into backup.health_threshold (name, value, unit, about)
values ('evaluation_silence_minutes', 15, 'minutes', 'All checks are evaluated at least so often while the functions answer.')
on conflict (name) do nothing;

create or replace function backup.health_of_cron(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_limit numeric := coalesce(backup.health_threshold_value('tick_silence_minutes'), 3);
  v_silent numeric := (select round(extract(epoch from p_now - at) / 60, 1) from backup.heartbeat where name = 'tick');
  v_active boolean;
  v_problem text;
begin
  if to_regclass('cron.job') is not null then
    select bool_or(active) into v_active from cron.job
    where command ~ 'backup\.tick\(' and database = current_database();
    v_problem := case when v_active is null then 'there is no job holdfast-tick in cron.job'
                      when not v_active then 'the job holdfast-tick in cron.job is not active' end;
  end if;
  if v_silent is null or v_silent > v_limit then
    v_problem := concat_ws('; ', format('the last tick was %s minutes ago', coalesce(v_silent::text, 'unknown')), v_problem);
  end if;
  return jsonb_build_object(
    'check', 'pg_cron', 'title', 'Heartbeat by pg_cron', 'category', 'platform', 'severity', 'critical',
    'state', case when v_problem is null then 'healthy' else 'unhealthy' end,
    'value', v_silent, 'unit', 'minutes', 'threshold', v_limit,
    'detail', coalesce(v_problem, format('the last tick was %s minutes ago', v_silent)),
    'todo', case when v_problem is null then '' else
      'Look at cron.job and cron.job_run_details. A lost job: select cron.schedule(''holdfast-tick'', ''* * * * *'', ''select backup.tick()''). A dead pg_cron: restart the database in the dashboard.' end);
end
$$;

create or replace function backup.health_of_net(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_limit numeric := coalesce(backup.health_threshold_value('net_silence_minutes'), 3);
  v_asked timestamptz;
  v_answered timestamptz;
  v_waiting numeric;
  v_queue bigint;
  v_state text := 'healthy';
  v_detail text;
begin
  if to_regclass('net._http_response') is null then
    v_state := 'inconclusive';
    v_detail := 'pg_net is not installed: nothing calls the functions';
  elsif not exists (select from backup.setting where name = 'functions_url') then
    v_state := 'inconclusive';
    v_detail := 'the database does not know where the functions answer';
  else
    select max(sent_at), max(sent_at) filter (where settled) into v_asked, v_answered from backup.health_probes(p_now);
    select round(extract(epoch from p_now - min(sent_at)) / 60, 1) into v_waiting
    from backup.health_probes(p_now) as p
    where not p.settled and (v_answered is null or p.sent_at > v_answered);
    select count(*) into v_queue from net.http_request_queue;
    if v_waiting > v_limit then
      v_state := 'unhealthy';
      v_detail := format('a request has waited for %s minutes; %s are in the queue', v_waiting, v_queue);
    elsif v_asked is null or v_asked < p_now - make_interval(mins => ceil(v_limit)::integer + 2) then
      v_state := 'inconclusive';
      v_detail := 'no request was sent lately: the heartbeat does that';
    elsif v_answered is null then
      v_state := 'inconclusive';
      v_detail := 'the first request is on its way';
    else
      v_detail := format('requests are sent; %s are in the queue', v_queue);
    end if;
  end if;
  return jsonb_build_object(
    'check', 'pg_net', 'title', 'Requests through pg_net', 'category', 'platform', 'severity', 'critical',
    'state', v_state, 'value', case when v_state <> 'inconclusive' then coalesce(v_waiting, 0) end,
    'unit', 'minutes', 'threshold', v_limit, 'detail', v_detail,
    'todo', case v_state
      when 'unhealthy' then 'Restart the sender: select net.worker_restart(). If that does not help, restart the database in the dashboard.'
      when 'inconclusive' then 'Install pg_net (create extension pg_net), call backup.configure() with the functions'' address, and see that pg_cron runs.'
      else '' end);
end
$$;

-- For how many minutes the checks were not evaluated although the functions answered all the while; null: all is well.
-- Only ten good answers in that time say so: after a pause the first evaluation is simply still to come.
create or replace function backup.evaluation_silence(p_now timestamptz default clock_timestamp())
returns numeric
language sql
stable
set search_path = ''
as $$
  select round(extract(epoch from p_now - evaluation.at) / 60)
  from (select coalesce(
      (select at from backup.heartbeat where name = 'evaluation'),
      (select min(created_at) from backup.job where kind = 'health_check')) as at) as evaluation
  where evaluation.at < p_now - make_interval(mins => greatest(
      coalesce(backup.health_threshold_value('evaluation_silence_minutes'), 15)::integer,
      3 * backup.setting_int('health_interval_minutes', 1)))
    and (select count(*) from backup.health_probes(p_now) as p
         where p.sent_at > p_now - interval '15 minutes' and p.answered and p.problem is null) >= 10
$$;

create or replace function backup.health_of_functions(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_limit integer := greatest(coalesce(backup.health_threshold_value('function_failures'), 2), 1);
  v_failures integer := 0;
  v_answers integer := 0;
  v_problem text;
  v_probe record;
  v_state text;
  v_silent numeric;
begin
  if to_regclass('net._http_response') is not null then
    v_silent := backup.evaluation_silence(p_now);
    for v_probe in select * from backup.health_probes(p_now) where answered loop
      v_answers := v_answers + 1;
      exit when v_probe.problem is null;
      v_failures := v_failures + 1;
      v_problem := coalesce(v_problem, v_probe.problem);
    end loop;
  end if;
  v_state := case when v_answers = 0 then 'inconclusive' when v_failures >= v_limit or v_silent is not null then 'unhealthy' else 'healthy' end;
  return jsonb_build_object(
    'check', 'functions', 'title', 'Answers of the edge functions', 'category', 'platform', 'severity', 'critical',
    'state', v_state, 'value', case when v_answers > 0 then v_failures end, 'unit', 'bad answers', 'threshold', v_limit,
    'detail', case v_state
      when 'inconclusive' then 'no answer of a function came lately'
      when 'unhealthy' then case when v_failures >= v_limit
        then format('the last %s calls of database-health-monitor failed: %s', v_failures, v_problem)
        else format('they answer, but the checks were evaluated %s minutes ago', v_silent) end
      else coalesce('the last call failed: ' || v_problem, 'the last call was answered') end,
    'todo', case v_state
      when 'unhealthy' then case when v_failures < v_limit
        then 'See why the evaluation fails: select state, error from backup.job where kind = ''health_check'' order by created_at desc limit 5. ' else '' end
        || 'See the logs of database-health-monitor in the dashboard, deploy the functions again (supabase functions deploy), and compare the address in backup.setting (functions_url).'
      when 'inconclusive' then 'See the check pg_net: it sends the calls.'
      else '' end);
end
$$;

revoke all on all functions in schema backup from public;
