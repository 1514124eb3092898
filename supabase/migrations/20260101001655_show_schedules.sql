-- What operators and scripts read.

-- The next due times of one schedule, or of all that are on duty, with what will hold them.
create or replace function backup.schedule_next(
  p_name text default null, p_count integer default 5, p_now timestamptz default clock_timestamp())
returns table (name text, due_at timestamptz, note text)
language plpgsql
stable
set search_path = ''
as $$
begin
  if p_count not between 1 and 1000 then
    raise exception 'the number of times must be from 1 to 1000: %', p_count using errcode = '22023', hint = 'p_count => 5';
  end if;
  if p_name is not null then
    perform backup.find_schedule(p_name);
  end if;
  return query
    with recursive due as (
      select s, backup.cron_next(s.cron, p_now) as at, 1 as ordinal
      from backup.schedule s
      where case when p_name is null then backup.schedule_idle_reason(s) is null else s.name = p_name end
      union all
      select due.s, backup.cron_next((due.s).cron, due.at), due.ordinal + 1 from due where due.ordinal < p_count and due.at is not null
    )
    select (due.s).name, due.at, coalesce(
      backup.schedule_idle_reason(due.s), case when (due.s).paused_until >= due.at then 'paused' end,
      'maintenance: ' || (backup.maintenance_at((due.s).name, due.at)).reason)
    from due where due.at is not null
    order by due.at, 1 limit p_count;
end
$$;

-- Every schedule with its next time and what became of the last one.
create or replace function backup.schedule_list(p_now timestamptz default clock_timestamp())
returns table (
  name text, work text, cadence text, scope text, cron text, state text, next_at timestamptz, last_due_at timestamptz,
  last_state text, last_reason text, last_backup_id text, last_success_at timestamptz, retention text, codec text, format text,
  stores text[], objective_rpo interval, objective_rto interval, category text, grace interval, deep_verification boolean,
  enabled boolean, available boolean, paused_until timestamptz)
language sql
stable
set search_path = ''
as $$
  select s.name, s.work, s.cadence, s.scope, s.cron,
    coalesce(backup.schedule_idle_reason(s), case when s.paused_until > p_now then 'paused' end,
      'maintenance: ' || (backup.maintenance_at(s.name, p_now)).reason, 'on'),
    case when backup.schedule_idle_reason(s) is null
      then backup.cron_next(s.cron, case when s.paused_until > p_now and isfinite(s.paused_until) then s.paused_until
        when s.paused_until = 'infinity' then null else p_now end) end,
    last.due_at, last.state, last.reason, last.backup_id,
    (select max(r.ended_at) from backup.schedule_run r where r.name = s.name and r.state = 'succeeded'),
    s.retention, s.codec, s.format, s.stores, s.objective_rpo, s.objective_rto, s.category, s.grace, s.deep_verification,
    s.enabled, s.available, s.paused_until
  from backup.schedule s
  left join lateral (
    select * from backup.schedule_run r where r.name = s.name order by r.due_at desc limit 1) as last on true
  order by s.objective_rpo nulls last, s.work, s.name
$$;
revoke all on all functions in schema backup from public;
