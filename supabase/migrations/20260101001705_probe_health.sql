-- Who watches the watchers: pg_cron, pg_net and the functions. The rules are here, because the heartbeat must know them
-- when no function answers.
-- Does pg_cron call backup.tick()? Asked by the functions: a tick that does not run cannot say so.
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
    'check', 'pg_cron', 'title', 'pg_cron calls the heartbeat', 'category', 'platform', 'severity', 'critical',
    'state', case when v_problem is null then 'healthy' else 'unhealthy' end,
    'value', v_silent, 'unit', 'minutes', 'threshold', v_limit,
    'detail', coalesce(v_problem, format('the last tick was %s minutes ago', v_silent)),
    'todo', case when v_problem is null then '' else
      'Look at cron.job and cron.job_run_details. A lost job: select cron.schedule(''holdfast-tick'', ''* * * * *'', ''select backup.tick()''). A dead pg_cron: restart the database in the dashboard.' end);
end
$$;

-- settled: answered at some time. answered: the answer is still there to be read.
create or replace function backup.health_probes(p_now timestamptz)
returns table (sent_at timestamptz, settled boolean, answered boolean, status integer, problem text)
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
    select p.sent_at, p.answered or r.id is not null, r.id is not null, r.status_code,
      case when r.timed_out then 'no answer in time'
           when r.error_msg is not null then left(r.error_msg, 200)
           when r.status_code = 503 and r.content like '%"down"%' then 'it answers that it is down'
           when r.status_code is distinct from 200 then format('it answers with status %s', r.status_code) end
    from backup.health_probe p
    left join net._http_response r on r.id = p.request_id
    where p.sent_at > p_now - interval '30 minutes'
    order by p.sent_at desc, p.id desc;
end
$$;

-- Does pg_net send what is put into its queue?
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
    'check', 'pg_net', 'title', 'pg_net sends requests', 'category', 'platform', 'severity', 'critical',
    'state', v_state, 'value', case when v_state <> 'inconclusive' then coalesce(v_waiting, 0) end,
    'unit', 'minutes', 'threshold', v_limit, 'detail', v_detail,
    'todo', case v_state
      when 'unhealthy' then 'Restart the sender: select net.worker_restart(). If that does not help, restart the database in the dashboard.'
      when 'inconclusive' then 'Install pg_net (create extension pg_net), call backup.configure() with the functions'' address, and see that pg_cron runs.'
      else '' end);
end
$$;

-- Do the functions answer what pg_net sends them?
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
begin
  if to_regclass('net._http_response') is not null then
    for v_probe in select * from backup.health_probes(p_now) where answered loop
      v_answers := v_answers + 1;
      exit when v_probe.problem is null;
      v_failures := v_failures + 1;
      v_problem := coalesce(v_problem, v_probe.problem);
    end loop;
  end if;
  v_state := case when v_answers = 0 then 'inconclusive' when v_failures >= v_limit then 'unhealthy' else 'healthy' end;
  return jsonb_build_object(
    'check', 'functions', 'title', 'Edge functions answer', 'category', 'platform', 'severity', 'critical',
    'state', v_state, 'value', case when v_answers > 0 then v_failures end, 'unit', 'bad answers', 'threshold', v_limit,
    'detail', case v_state
      when 'inconclusive' then 'no answer of a function came lately'
      when 'unhealthy' then format('the last %s calls of database-health-monitor failed: %s', v_failures, v_problem)
      else coalesce('the last call failed: ' || v_problem, 'the last call was answered') end,
    'todo', case v_state
      when 'unhealthy' then 'See the logs of database-health-monitor in the dashboard, deploy the functions again (supabase functions deploy), and compare the address in backup.setting (functions_url).'
      when 'inconclusive' then 'See the check pg_net: it sends the calls.'
      else '' end);
end
$$;

-- What the functions ask for GET /health: cheap, and a heartbeat that is silent is put on record by whoever asks.
create or replace function backup.is_up()
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_cron jsonb := backup.health_of_cron();
begin
  if v_cron ->> 'state' = 'healthy' then
    return true;
  end if;
  if not exists (select from backup.health_state where check_name = 'pg_cron' and state = 'unhealthy'
                 and last_seen > clock_timestamp() - interval '1 minute') then
    perform backup.record_health(jsonb_build_array(v_cron));
  end if;
  return false;
end
$$;

-- A step of its own: what fails in another one does not make the heartbeat look dead.
create or replace function backup.beat_tick()
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  perform backup.beat('tick');
  return '{}';
end
$$;

-- The step of each tick: a probe, the evaluation by the function when it is due, and what SQL alone can
-- tell when pg_net or the functions are dead.
create or replace function backup.watch_health()
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_url text := (select value #>> '{}' from backup.setting where name = 'functions_url');
  v_minutes integer := greatest(backup.setting_int('health_interval_minutes', 1), 1);
  v_request bigint;
begin
  if to_regclass('net._http_response') is not null then
    update backup.health_probe p set answered = true
    from net._http_response r where r.id = p.request_id and not p.answered;
  end if;
  perform backup.record_health(jsonb_build_array(backup.health_of_functions(), backup.health_of_net()));
  delete from backup.health_probe where sent_at < clock_timestamp() - interval '1 hour';
  delete from backup.job where kind = 'health_check' and state = 'done' and ended_at < clock_timestamp() - interval '1 hour';
  delete from backup.job where kind = 'health_check' and ended_at < clock_timestamp() - interval '7 days';
  if v_url is null or to_regnamespace('net') is null then
    return jsonb_build_object('asked', false);
  end if;
  v_request := net.http_get(url := v_url || '/database-health-monitor/health', timeout_milliseconds := 15000);
  insert into backup.health_probe (request_id, sent_at) values (v_request, clock_timestamp());
  -- A tick comes a little early or late: half a minute of slack keeps the interval what it says.
  if not exists (select from backup.job where kind = 'health_check'
                 and created_at > clock_timestamp() - make_interval(mins => v_minutes) + interval '30 seconds') then
    perform backup.start_job('health_check', 'all');
  end if;
  return jsonb_build_object('asked', true);
end
$$;
insert into backup.job_kind (kind, function_name, parallelism, attempts)
values ('health_check', 'database-health-monitor', 1, 3)
on conflict (kind) do nothing;
insert into backup.tick_step (name, position) values ('beat_tick', 5), ('watch_health', 20) on conflict (name) do nothing;
revoke all on all functions in schema backup from public;
