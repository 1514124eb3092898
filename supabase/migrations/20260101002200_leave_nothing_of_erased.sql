-- What erasures left behind: the ban of one that failed before it erased anything, the user's id in the tracked changes and
-- in who called a job off, and the parts of exports in the store.

-- Takes a plan that the person will be shown. An earlier one that was not confirmed makes way for it.
create or replace function backup.request_erasure(
  p_subject uuid, p_subject_sha256 text, p_origin text, p_reason text, p_plan jsonb, p_plan_sha256 text, p_token_sha256 bytea)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_erasure backup.erasure;
  v_most integer := backup.setting_int('erasure_requests_per_day', 10);
  v_free_at timestamptz;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure.' || p_subject, 0));
  select * into v_erasure from backup.erasure
  where subject_id = p_subject and (state in ('scheduled', 'executing') or (state = 'failed' and entry is not null))
  order by state = 'failed', requested_at desc limit 1;
  if found then
    return jsonb_build_object('outcome', 'open', 'erasure_id', v_erasure.erasure_id, 'state', v_erasure.state);
  end if;
  if p_origin = 'user' then
    select max(free_at) into v_free_at from (
      select requested_at + interval '1 day' as free_at, row_number() over (order by requested_at desc) as nth
      from backup.erasure
      where subject_id = p_subject and origin = 'user' and requested_at > clock_timestamp() - interval '1 day'
    ) as counted where nth >= v_most;
    if v_free_at is not null then
      return jsonb_build_object('outcome', 'refused', 'per_day', v_most,
        'retry_after_seconds', greatest(1, ceil(extract(epoch from v_free_at - clock_timestamp()))::bigint));
    end if;
  end if;
  -- Whatever becomes of the new request, one that ended before anything was erased locks nobody out.
  update auth.users u set banned_until = e.was_banned_until
  from backup.erasure e
  where u.id = p_subject and u.banned_until >= '9999-12-30'
    and e.subject_id = p_subject and e.state = 'failed' and e.started_at is not null;
  update backup.erasure set state = 'cancelled', ended_at = clock_timestamp(), token_sha256 = null
  where subject_id = p_subject and state in ('planned', 'failed');
  insert into backup.erasure
    (subject_id, subject_sha256, origin, reason, plan, plan_sha256, token_sha256, token_expires_at)
  values (p_subject, p_subject_sha256, p_origin, p_reason, p_plan, p_plan_sha256, p_token_sha256,
          clock_timestamp() + make_interval(mins => backup.setting_int('erasure_token_minutes', 15)))
  returning * into v_erasure;
  perform backup.note_erasure_event('account_erasure_requested', v_erasure, jsonb_build_object('plan_sha256', p_plan_sha256));
  return jsonb_build_object('outcome', 'started', 'erasure_id', v_erasure.erasure_id,
    'token_expires_at', v_erasure.token_expires_at);
end
$$;

-- Our own records keep what happened and lose whom it happened to.
create or replace function backup.forget_subject(p_subject uuid, p_subject_sha256 text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_subject is null then
    return;
  end if;
  -- With the row goes the key, and with it what says that there are parts: their deletion comes first.
  perform backup.discard_account_exports(p_subject);
  perform backup.delete_account_parts(x.id)
  from backup.account_export x
  where x.user_id = p_subject and x.way = 'job' and x.deleted_at is null;
  delete from backup.account_export where user_id = p_subject;
  update public.security_events_log
  set user_id = null,
      event_data = replace(coalesce(event_data, '{}')::text, p_subject::text, 'erased')::jsonb
        || jsonb_build_object('subject_sha256', p_subject_sha256)
  where user_id = p_subject;
  update backup.job
  set subject = case when subject = p_subject::text then null else subject end,
      created_by = case when created_by = p_subject then null else created_by end,
      error = case when error ->> 'by' = p_subject::text then error - 'by' else error end
  where subject = p_subject::text or created_by = p_subject or error ->> 'by' = p_subject::text;
  update public.backup_log set created_by = null where created_by = p_subject;
  update public.backup_verification set verified_by = null where verified_by = p_subject;
  update public.backup_tests set tested_by = null where tested_by = p_subject;
  -- Keys of several columns are their values with commas between them.
  delete from backup.change c
  where strpos(c.record_id, p_subject::text) > 0 and p_subject::text = any (string_to_array(c.record_id, ','));
  update backup.erasure
  set subject_id = null, token_sha256 = null, plan = plan - 'subject', reason = case origin when 'user' then null else reason end
  where subject_id = p_subject;
end
$$;

revoke all on function
  backup.request_erasure(uuid, text, text, text, jsonb, text, bytea), backup.forget_subject(uuid, text)
from public;
