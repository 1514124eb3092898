-- An operator's export that was killed stood open for a day, and in that day nobody could export the user, the user not
-- either. Now the script holds a lock as long as it lives (backup.hold_operator_export), and whoever comes next sees by it
-- whether it does.

-- By the session that writes the export, before start_account_export and until it ends. False: another one has it.
create or replace function backup.hold_operator_export(p_user uuid)
returns boolean
language sql
set search_path = ''
as $$
  select pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended('holdfast.operator_export.' || p_user, 0));
$$;

-- Ends what operators began and will not end. Of the caller's own lock: an operator has it, and so nobody else lives.
create or replace function backup.end_abandoned_operator_export(p_user uuid, p_way text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid;
begin
  select id into v_id from backup.account_export where user_id = p_user and way = 'operator' and state = 'streaming';
  if v_id is null then
    return;
  end if;
  if p_way = 'operator'
    or pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.operator_export.' || p_user, 0)) then
    perform backup.end_account_stream(v_id, 'failed', null, null, null, '{"code": "TASK_ABANDONED"}');
  end if;
end
$$;

-- Starts an export, or says which one is open, or how long the user must wait. One at a time per user.
create or replace function backup.start_account_export(
  p_user uuid, p_way text, p_format text, p_lang text, p_key bytea default null)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_export backup.account_export;
  v_most integer := backup.setting_int('account_exports_per_day', 1);
  v_attempts integer := backup.setting_int('account_export_attempts_per_day', 10);
  v_free_at timestamptz;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.account_export.' || p_user, 0));
  perform backup.end_abandoned_operator_export(p_user, p_way);
  select * into v_export from backup.account_export where user_id = p_user and state in ('streaming', 'pending');
  if found then
    return jsonb_build_object('outcome', 'open', 'export_id', v_export.id, 'way', v_export.way, 'state', v_export.state);
  end if;
  if p_way <> 'operator' then
    select max(free_at) into v_free_at from (
      select requested_at + interval '1 day' as free_at,
             row_number() over (order by requested_at desc) as nth from backup.account_export
      where user_id = p_user and way <> 'operator' and state <> 'failed'
        and requested_at > clock_timestamp() - interval '1 day'
    ) as counted where nth >= v_most;
    select greatest(v_free_at, max(free_at)) into v_free_at from (
      select requested_at + interval '1 day' as free_at,
             row_number() over (order by requested_at desc) as nth from backup.account_export
      where user_id = p_user and way <> 'operator' and requested_at > clock_timestamp() - interval '1 day'
    ) as counted where nth >= v_attempts;
    if v_free_at is not null or v_most < 1 then
      return jsonb_build_object('outcome', 'refused', 'per_day', v_most,
        'retry_after_seconds', greatest(1, ceil(extract(epoch from
          coalesce(v_free_at, clock_timestamp() + interval '1 day') - clock_timestamp()))::bigint),
        'export_id', (select id from backup.account_export where user_id = p_user and state = 'ready'
                      order by requested_at desc limit 1));
    end if;
  end if;
  insert into backup.account_export (user_id, way, state, format, lang)
  values (p_user, p_way, 'streaming', p_format, p_lang)
  returning * into v_export;
  perform backup.note_account_event('account_export_requested', p_user, jsonb_build_object(
    'export_id', v_export.id, 'way', p_way, 'format', p_format));
  if p_way = 'job' then
    perform backup.queue_account_export(v_export.id, p_key);
    v_export.state := 'pending';
  end if;
  return jsonb_build_object('outcome', 'started', 'export_id', v_export.id, 'way', p_way, 'state', v_export.state);
end
$$;
