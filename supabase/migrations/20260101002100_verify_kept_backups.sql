-- Stores lose and alter things in silence. Kept backups are verified again before the health check integrity asks for it:
-- one at a time while nothing else works, the one whose verification is oldest first, and so many in a day.
insert into backup.setting (name, value)
values ('reverify_days', '60'), ('reverify_per_day', '10'), ('reverify_kind', '"quick"')
on conflict (name) do nothing;

-- Never later than two thirds of what the health check allows: the rest is for stores that are away and for long queues.
create or replace function backup.reverify_age()
returns interval
language sql
stable
set search_path = ''
as $$
  select make_interval(hours => (24 * least(
    backup.setting_int('reverify_days', 60),
    2 * coalesce(backup.health_threshold_value('verification_age_days'), 90) / 3))::integer)
$$;

-- Kept backups that have no verdict half a waiting time after they were made, and those whose newest is too old. One that
-- was begun within a day is not begun again: a store that is away would take the turn of all others.
-- A row without a folder is not ours: nobody knows its objects.
create or replace function backup.backups_to_verify(p_now timestamptz default clock_timestamp())
returns table (backup_id text, verified_at timestamptz)
language sql
stable
set search_path = ''
as $$
  select l.backup_id, verdict.at
  from public.backup_log l
  left join lateral (
    select max(v.verification_date) filter (where v.success is not null) as at, max(v.verification_date) as begun_at
    from public.backup_verification v where v.backup_id = l.backup_id) as verdict on true
  where l.status in ('completed', 'completed_with_limits') and l.folder is not null
    and to_jsonb(l) ->> 'deleted_at' is null
    and case when verdict.at is not null then verdict.at < p_now - backup.reverify_age()
        else l.completed_at < p_now - make_interval(
          hours => (coalesce(backup.health_threshold_value('verification_wait_hours'), 24) / 2)::integer) end
    and (verdict.begun_at is null or verdict.begun_at < p_now - interval '1 day')
  order by verdict.at nulls first, l.completed_at, l.backup_id
$$;
comment on function backup.backups_to_verify(timestamptz) is 'Kept backups that are due to be verified again, the oldest verification first.';

-- The step of each tick. Returns the backup that it began to verify, or why it began none.
create or replace function backup.verify_kept_backups(p_now timestamptz default clock_timestamp())
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_kind text := coalesce((select value #>> '{}' from backup.setting where name = 'reverify_kind'), 'quick');
  v_backup_id text;
  v_id uuid;
begin
  if backup.setting_int('reverify_days', 60) <= 0 or backup.setting_int('reverify_per_day', 10) <= 0 then
    return '{"held": "switched off"}';
  elsif not exists (select from backup.setting where name = 'functions_url') then
    return '{"held": "not configured"}';
  elsif (backup.maintenance_at('', p_now)).id is not null then
    return '{"held": "maintenance"}';
  elsif not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.reverify', 0)) then
    return '{"held": "another heartbeat does it"}';
  elsif exists (select from public.backup_log where status = 'in_progress')
     or exists (select from backup.task where kind = 'verify' and state in ('pending', 'claimed')) then
    return '{"held": "busy"}'; -- backups first: tasks are taken in the order in which they were made
  elsif (select count(*) from public.backup_verification
         where details ->> 'again' = 'true' and verification_date > p_now - interval '1 day')
        >= backup.setting_int('reverify_per_day', 10) then
    return '{"held": "enough for a day"}';
  end if;
  select due.backup_id into v_backup_id from backup.backups_to_verify(p_now) as due limit 1;
  if not found then
    return '{}';
  end if;
  v_id := backup.start_verification(v_backup_id, v_kind, '[{"plan": true}]', null);
  update public.backup_verification set details = details || '{"again": true}' where id = v_id;
  return jsonb_build_object('verifies', v_backup_id);
end
$$;
insert into backup.tick_step (name, position) values ('verify_kept_backups', 60) on conflict (name) do nothing;
revoke all on all functions in schema backup from public;
