-- The size of the database, once a day, so that its growth is known without any backup, and is not the backups' alone.
create table if not exists backup.size_sample (
  day date primary key,
  database_bytes bigint not null constraint size_sample_positive check (database_bytes > 0),
  taken_at timestamptz not null default clock_timestamp()
);
alter table backup.size_sample enable row level security;
comment on table backup.size_sample is 'pg_database_size() at the first tick of each day (UTC), kept for alert_history_days.';
revoke all on backup.size_sample from public;

create or replace function backup.measure_sizes(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_day date := (p_now at time zone 'UTC')::date;
  v_days integer := backup.setting_int('alert_history_days', 400);
begin
  if exists (select from backup.size_sample where day = v_day) then
    return '{}';
  end if;
  insert into backup.size_sample (day, database_bytes, taken_at)
  values (v_day, pg_catalog.pg_database_size(current_database()), p_now)
  on conflict (day) do nothing;
  delete from backup.size_sample where v_days > 0 and day < v_day - greatest(v_days, 46);
  return jsonb_build_object('day', v_day);
end
$$;
insert into backup.tick_step (name, position) values ('measure_sizes', 25) on conflict (name) do nothing;
revoke all on all functions in schema backup from public;
