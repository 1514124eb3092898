-- Tickets. A worker call is let in by a single-use ticket, because pg_net's queue can be read by every role:
-- whoever reads one can at most make a worker do what it was about to do.
-- Never more tickets than there are due tasks and free places (parallelism).
create or replace function backup.issue_tickets(p_most integer default 16)
returns setof text
language plpgsql
set search_path = ''
as $$
declare
  v_free integer;
  v_token text;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.tickets', 0));
  select least(
      p_most,
      (select count(*) from backup.task where state = 'pending' and not_before <= clock_timestamp())
        - (select count(*) from backup.ticket where used_at is null and expires_at > clock_timestamp()),
      backup.setting_int('parallelism', 2)
        - (select count(*) from backup.task where state = 'claimed' and lease_until > clock_timestamp())
        - (select count(*) from backup.ticket where used_at is null and expires_at > clock_timestamp()))
    into v_free;
  for v_ordinal in 1 .. v_free loop
    v_token := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
    insert into backup.ticket (token_sha256, expires_at)
    values (sha256(convert_to(v_token, 'UTF8')),
            clock_timestamp() + make_interval(secs => backup.setting_int('ticket_seconds', 60)));
    return next v_token;
  end loop;
end
$$;

-- How long a worker that found nothing due would wait for the next task; null: there is none, or no room for it.
create or replace function backup.next_task_due_in_ms()
returns numeric
language sql
volatile
set search_path = ''
as $$
  select greatest(0, 1000 * extract(epoch from min(not_before) - clock_timestamp()))
  from backup.task
  where state = 'pending'
    and backup.setting_int('parallelism', 2)
      > (select count(*) from backup.task where state = 'claimed' and lease_until > clock_timestamp())
$$;

create or replace function backup.redeem_ticket(p_token text)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  update backup.ticket
  set used_at = clock_timestamp()
  where token_sha256 = sha256(convert_to(p_token, 'UTF8'))
    and used_at is null
    and expires_at > clock_timestamp();
  return found;
end
$$;

-- Calls as many workers as may run. The requests leave after commit (pg_net); workers answer 202 at once.
create or replace function backup.dispatch()
returns integer
language plpgsql
set search_path = ''
as $$
declare
  v_url text := (select value #>> '{}' from backup.setting where name = 'functions_url');
  v_token text;
  v_called integer := 0;
begin
  if v_url is null or to_regnamespace('net') is null then
    return 0;
  end if;
  for v_token in select backup.issue_tickets() loop
    perform net.http_post(
      url := v_url || '/backup-worker',
      body := jsonb_build_object('ticket', v_token),
      headers := '{"content-type": "application/json"}'::jsonb,
      timeout_milliseconds := 10000);
    v_called := v_called + 1;
  end loop;
  return v_called;
end
$$;
comment on function backup.dispatch() is 'Calls as many workers as there is work and room for; returns how many.';
