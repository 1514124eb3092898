-- The work itself: the heartbeat's step, and what the function that sends says and hears.

-- Deliveries that may be sent now, one of each channel, under a lease of 90 seconds: who dies between sending and saying
-- so has it sent again, with the same key. What came earlier of a subject goes out first.
create or replace function backup.claim_deliveries()
returns setof backup.alert_delivery
language plpgsql
set search_path = ''
as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.alert_deliveries', 0));
  update backup.alert_delivery set state = 'expired' where state = 'pending' and expires_at <= clock_timestamp();
  return query
    update backup.alert_delivery d
    set attempts = d.attempts + 1, not_before = clock_timestamp() + interval '90 seconds'
    where d.id in (
      select distinct on (due.channel) due.id
      from backup.alert_delivery due
      where due.state = 'pending' and due.not_before <= clock_timestamp()
        and due.attempts < backup.setting_int('alert_attempts', 5)
        and not exists (select from backup.alert_delivery earlier
                        where earlier.subject = due.subject and earlier.channel = due.channel and earlier.state = 'pending'
                          and earlier.ordinal < due.ordinal)
      order by due.channel, backup.severity_rank(due.message ->> 'severity') desc, due.ordinal)
    returning d.*;
end
$$;

-- Of those that can be claimed: what waits for an earlier one of its subject, or was tried often enough, is not due.
create or replace function backup.next_delivery_in_seconds()
returns numeric
language sql
volatile
set search_path = ''
as $$
  select case when count(*) > 0 then greatest(0, extract(epoch from min(d.not_before) - clock_timestamp())) end
  from backup.alert_delivery d
  where d.state = 'pending' and d.attempts < backup.setting_int('alert_attempts', 5)
    and not exists (select from backup.alert_delivery earlier
                    where earlier.subject = d.subject and earlier.channel = d.channel and earlier.state = 'pending'
                      and earlier.ordinal < d.ordinal)
$$;

-- What nobody could be told of a problem that is still open is tried again, the whole chain of fallbacks, as is the end
-- of one that a pager or a ping still shows: an outage of an hour must not swallow the one message that mattered.
create or replace function backup.revive_deliveries(p_now timestamptz)
returns integer
language sql
set search_path = ''
as $$
  with recursive chain as (
    select d.id, d.via from backup.alert_delivery d
    join backup.problem p on p.id = d.problem_id
    left join backup.alert_channel c on c.name = d.channel
    where d.state = 'failed'
      and d.not_before < p_now - make_interval(mins => backup.setting_int('alert_revive_minutes', 15))
      and (d.kind in ('open', 'repeat', 'escalation') and p.state = 'open'
        or d.kind = 'resolved' and c.kind in ('pagerduty', 'ping') and p.resolved_at > p_now - interval '1 day')
    union
    select up.id, up.via from backup.alert_delivery up join chain on up.id = chain.via
  ), revived as (
    update backup.alert_delivery d set state = 'pending', attempts = 0, not_before = clock_timestamp()
    from chain, backup.alert_channel c
    where d.id = chain.id and d.state in ('failed', 'fell_over') and c.name = d.channel and c.enabled
    returning 1
  )
  select count(*)::integer from revived
$$;

-- It will not go through this channel: the next of the chain gets it, unless it was tried already. Notices wake nobody,
-- and a ping is for the one who waits for it.
create or replace function backup.fail_delivery(p_delivery backup.alert_delivery, p_error text)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_next text := (select fallback from backup.alert_channel where name = p_delivery.channel
                  and p_delivery.subject !~ '^(heartbeat|run):');
  v_tried text[] := array[p_delivery.channel];
  v_id uuid;
begin
  while v_next is not null and (
    not (select enabled and (p_delivery.kind not in ('notice', 'digest') or p_delivery.subject like 'test:%'
           or kind not in ('pagerduty', 'ping')) from backup.alert_channel where name = v_next)
    or exists (select from backup.alert_delivery where subject = p_delivery.subject and channel = v_next
               and kind = p_delivery.kind and sequence = p_delivery.sequence)) loop
    v_tried := v_tried || v_next;
    select fallback into v_next from backup.alert_channel where name = v_next and fallback <> all (v_tried);
  end loop;
  if v_next is not null then
    insert into backup.alert_delivery (subject, problem_id, channel, kind, sequence, message, expires_at, via)
    values (p_delivery.subject, p_delivery.problem_id, v_next, p_delivery.kind, p_delivery.sequence, p_delivery.message,
            p_delivery.expires_at, p_delivery.id)
    on conflict on constraint alert_delivery_once do nothing
    returning id into v_id;
  end if;
  -- Revived, and failed again: who got it in its place the first time has it still.
  if v_id is null then
    select id into v_id from backup.alert_delivery where via = p_delivery.id and state <> 'failed' limit 1;
  end if;
  update backup.alert_delivery
  set state = case when v_id is null then 'failed' else 'fell_over' end, error = left(p_error, 500)
  where id = p_delivery.id;
  -- Tests are answered where they are asked, and one problem must not make the next.
  if p_delivery.subject not like 'test:%' and coalesce(p_delivery.message ->> 'key', '') not like 'channel:%' then
    perform backup.raise_problem('channel:' || p_delivery.channel, 'alert_channel_failed', 'warning',
      format('the channel %s does not deliver alerts', p_delivery.channel), '{}', clock_timestamp(),
      format('See why: npm run backup:alerts -- list. Try it: npm run backup:alerts -- test %s.', p_delivery.channel));
  end if;
  return case when v_id is null then 'failed' else 'fell_over' end;
end
$$;

-- How a delivery went: sent, retry (after so many seconds at least) or failed. Returns its state. A late word of a worker
-- whose lease was over counts only when it is that the message was sent.
create or replace function backup.settle_delivery(
  p_id uuid, p_attempt integer, p_outcome text, p_error text default null, p_seconds numeric default 0)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_delivery backup.alert_delivery;
begin
  select * into v_delivery from backup.alert_delivery where id = p_id for update;
  if v_delivery.state is distinct from 'pending' or (p_outcome <> 'sent' and v_delivery.attempts <> p_attempt) then
    return v_delivery.state;
  end if;
  if p_outcome = 'sent' then
    update backup.alert_delivery set state = 'sent', sent_at = clock_timestamp(), error = null where id = p_id;
    return 'sent';
  elsif p_outcome = 'retry' and v_delivery.attempts < backup.setting_int('alert_attempts', 5) then
    update backup.alert_delivery
    set error = left(p_error, 500), not_before = clock_timestamp() + make_interval(secs => greatest(least(p_seconds, 3600),
      least(900, backup.setting_int('alert_retry_base_seconds', 15) * (2 ^ (v_delivery.attempts - 1)) * (0.75 + random() / 2))))
    where id = p_id;
    return 'pending';
  end if;
  return backup.fail_delivery(v_delivery, p_error);
end
$$;

-- A message to one channel, whatever the rules say. Returns the delivery's id.
create or replace function backup.alert_test(p_channel text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_subject text := 'test:' || gen_random_uuid();
begin
  if not exists (select from backup.alert_channel where name = p_channel) then
    raise exception 'there is no channel %', p_channel using errcode = 'P0002',
      hint = 'select name, kind from backup.alert_channel';
  end if;
  perform backup.add_delivery(v_subject, p_channel, 'notice', 0, jsonb_build_object(
    'type', 'test', 'severity', 'info', 'text', 'this channel works', 'facts', '{}'::jsonb, 'at', clock_timestamp(), 'ping', 'success'),
    null, null, clock_timestamp() + interval '1 hour');
  perform backup.start_job('deliver_alerts', 'all');
  perform backup.dispatch_jobs();
  return (select id from backup.alert_delivery where subject = v_subject and via is null);
end
$$;
comment on function backup.alert_test(text) is 'Sends a test message through the function''s own path; see backup.alert_delivery for how it went.';

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
  delete from backup.alert_delivery
  where state <> 'pending' and created_at < p_now - make_interval(days => backup.setting_int('alert_keep_days', 90));
  delete from backup.alert_delivery
  where state <> 'pending' and subject like 'heartbeat:%' and created_at < p_now - interval '1 day';
  -- Nothing waits for longer than a night: the clock has gone back.
  update backup.alert_delivery set not_before = clock_timestamp()
  where state = 'pending' and not_before > greatest(p_now, clock_timestamp()) + interval '25 hours';
  delete from backup.problem
  where state = 'resolved' and resolved_at < p_now - make_interval(days => backup.setting_int('alert_keep_days', 90));
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

-- A dead pg_cron ticks no more, so whoever notices it (a call of GET /health from outside) has it told at once, and does
-- the heartbeat's part for alerts, retries included, for as long as he goes on asking.
create or replace function backup.tell_dead_heartbeat()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform backup.tick_alerts();
  perform backup.dispatch_jobs();
  return null;
exception when others then
  raise warning 'the silence of the heartbeat could not be told: %', sqlerrm;
  return null;
end
$$;
create or replace trigger tell_dead_heartbeat after insert on public.system_health_alerts
  for each row when (new.alert_type = 'health_check_unhealthy' and new.event_data ->> 'check' = 'pg_cron')
  execute function backup.tell_dead_heartbeat();
create or replace trigger tell_dead_heartbeat after update on backup.health_state
  for each row when (new.check_name = 'pg_cron' and new.state = 'unhealthy' and old.state = 'unhealthy')
  execute function backup.tell_dead_heartbeat();

insert into backup.job_kind (kind, function_name, parallelism, attempts)
values ('deliver_alerts', 'database-health-monitor', 1, 10)
on conflict (kind) do nothing;
-- After what raises alerts (schedules, health), before the jobs are dispatched.
insert into backup.tick_step (name, position) values ('tick_alerts', 80) on conflict (name) do nothing;
revoke all on all functions in schema backup from public;
