-- The health of the installation: thresholds as data, what each check said last and since when, and the heartbeat.
create table if not exists backup.health_threshold (
  name text primary key,
  value numeric not null,
  unit text not null,
  about text not null,
  updated_at timestamptz not null default now()
);
alter table backup.health_threshold enable row level security;
comment on table backup.health_threshold is
  'What the health checks compare with: update backup.health_threshold set value = 49 where name = ''last_backup_hours''.';

insert into backup.health_threshold (name, value, unit, about)
values
  ('last_backup_hours', 25, 'hours', 'The newest full backup is younger.'),
  ('success_rate_percent', 100, 'percent', 'At least so much of the scheduled work succeeds.'),
  ('success_window_days', 30, 'days', 'Over so many days.'),
  ('daily_minutes', 10, 'minutes', 'A daily or hourly backup is done in less.'),
  ('full_minutes', 30, 'minutes', 'Any other full backup is done in less.'),
  ('growth_percent_per_month', 50, 'percent', 'Backups grow by less in 30 days.'),
  ('anomaly_backups', 30, 'backups', 'So many earlier backups are the history of a table.'),
  ('anomaly_least_backups', 5, 'backups', 'With fewer of them a deviation says nothing.'),
  ('anomaly_deviations', 8, 'deviations', 'A table is no further from its median, in median absolute deviations.'),
  ('anomaly_least_percent', 30, 'percent', 'A change below this is never an anomaly.'),
  ('anomaly_least_rows', 20, 'rows', 'A smaller table may change as it likes; it may not become empty.'),
  ('shrink_percent', 50, 'percent', 'A table keeps at least so much of its median rows.'),
  ('verification_wait_hours', 24, 'hours', 'A new backup has its first verification within.'),
  ('verification_age_days', 90, 'days', 'The newest verification of a backup is younger.'),
  ('storage_percent', 80, 'percent', 'Less of the setting storage_limit_bytes is stored.'),
  ('database_percent', 80, 'percent', 'Less of the setting plan_database_bytes is in use.'),
  ('drill_age_days', 8, 'days', 'The newest restore drill is younger.'),
  ('recovery_hours', 4, 'hours', 'The newest drill took less to restore.'),
  ('key_expiry_days', 30, 'days', 'Public keys are valid for longer.'),
  ('tick_silence_minutes', 3, 'minutes', 'The heartbeat is never silent for longer.'),
  ('net_silence_minutes', 3, 'minutes', 'A request through pg_net is answered within.'),
  ('function_failures', 2, 'answers', 'So many bad answers of the functions, one after the other, are an outage.'),
  ('subject_due_days', 7, 'days', 'Requests of data subjects are answered so long before the law asks for it.')
on conflict (name) do nothing;

-- The free plan has 500 MB; a setting that is there stays.
insert into backup.setting (name, value)
values ('plan_database_bytes', '500000000'), ('health_interval_minutes', '1')
on conflict (name) do nothing;

create table if not exists backup.health_state (
  check_name text primary key,
  title text not null,
  category text not null,
  state text not null check (state in ('healthy', 'unhealthy', 'inconclusive')),
  severity text not null check (severity in ('info', 'warning', 'critical')),
  value jsonb,
  unit text,
  threshold jsonb,
  detail text not null,
  todo text not null default '',
  items jsonb not null default '[]',
  since timestamptz not null,
  problem_since timestamptz,
  last_seen timestamptz not null
);
alter table backup.health_state enable row level security;
comment on table backup.health_state is 'What each health check said last.';
comment on column backup.health_state.since is 'When it came into this state.';
comment on column backup.health_state.problem_since is
  'When it was first unhealthy; kept while it is inconclusive, null once it is healthy: one problem, one moment.';

create table if not exists backup.heartbeat (
  name text primary key,
  at timestamptz not null
);
alter table backup.heartbeat enable row level security;
comment on table backup.heartbeat is 'tick: the last tick that was carried through. evaluation: the last time that all checks were.';
-- The grace of a new installation, whose first tick is to come.
insert into backup.heartbeat (name, at) values ('tick', now()) on conflict (name) do nothing;

create table if not exists backup.health_probe (
  id bigint generated always as identity primary key,
  request_id bigint not null,
  sent_at timestamptz not null,
  answered boolean not null default false
);
alter table backup.health_probe enable row level security;
comment on table backup.health_probe is 'GET /health through pg_net, one by each tick: whether pg_net sends and functions answer.';
comment on column backup.health_probe.answered is
  'Seen answered by a tick. net._http_response is unlogged and often emptied: what is gone from there was still answered.';

create or replace function backup.health_threshold_value(p_name text)
returns numeric
language sql
stable
set search_path = ''
as $$
  select value from backup.health_threshold where name = p_name
$$;

create or replace function backup.beat(p_name text)
returns void
language sql
set search_path = ''
as $$
  insert into backup.heartbeat (name, at) values (p_name, clock_timestamp())
  on conflict (name) do update set at = excluded.at
$$;

-- Takes what checks found (a list; the keys are the columns of backup.health_state, "check" its key) and returns the
-- rows. A change of state is written to public.system_health_alerts; the first word of a check only when it is bad.
create or replace function backup.record_health(p_results jsonb)
returns setof backup.health_state
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_result jsonb;
  v_before backup.health_state;
  v_after backup.health_state;
begin
  -- In one order, so that two evaluations at the same time wait for each other instead of locking each other out.
  for v_result in select value from jsonb_array_elements(p_results) order by value ->> 'check' loop
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.health.' || (v_result ->> 'check'), 0));
    select * into v_before from backup.health_state where check_name = v_result ->> 'check';
    insert into backup.health_state as h
      (check_name, title, category, state, severity, value, unit, threshold, detail, todo, items, since, problem_since, last_seen)
    values (
      v_result ->> 'check', v_result ->> 'title', v_result ->> 'category', v_result ->> 'state', v_result ->> 'severity',
      nullif(v_result -> 'value', 'null'), v_result ->> 'unit', nullif(v_result -> 'threshold', 'null'),
      v_result ->> 'detail', coalesce(v_result ->> 'todo', ''), coalesce(v_result -> 'items', '[]'),
      v_now, case when v_result ->> 'state' = 'unhealthy' then v_now end, v_now)
    on conflict (check_name) do update
      set title = excluded.title, category = excluded.category, state = excluded.state, severity = excluded.severity,
          value = excluded.value, unit = excluded.unit, threshold = excluded.threshold, detail = excluded.detail,
          todo = excluded.todo, items = excluded.items, last_seen = excluded.last_seen,
          since = case when h.state = excluded.state then h.since else excluded.since end,
          problem_since = case excluded.state when 'healthy' then null
                          else coalesce(h.problem_since, excluded.problem_since) end
    returning * into v_after;
    if v_before.state is distinct from v_after.state and (v_before.state is not null or v_after.state = 'unhealthy') then
      perform backup.announce('health_check_' || v_after.state,
        case v_after.state when 'unhealthy' then v_after.severity else 'info' end,
        format('%s: %s', v_after.title, v_after.detail),
        jsonb_build_object(
          'check', v_after.check_name, 'category', v_after.category, 'state', v_after.state, 'before', v_before.state,
          'value', v_after.value, 'unit', v_after.unit, 'threshold', v_after.threshold, 'todo', v_after.todo,
          'problem_since', coalesce(v_after.problem_since, v_before.problem_since)));
    end if;
    return next v_after;
  end loop;
end
$$;
comment on function backup.record_health(jsonb) is 'Keeps what checks found; a change of state becomes a row of system_health_alerts.';

revoke all on backup.health_threshold, backup.health_state, backup.heartbeat, backup.health_probe from public;
revoke all on all functions in schema backup from public;
