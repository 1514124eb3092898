-- What operators call to set up alerts. Everything is checked before anything changes.

-- Keys that a channel's settings may have; those with * must be there. What else might be a secret does not get in.
create or replace function backup.alert_setting_keys(p_kind text)
returns text[]
language sql
immutable
set search_path = ''
as $$
  select case p_kind
    when 'resend' then '{from*,to*,base_url}'::text[]
    when 'sendgrid' then '{from*,to*,region,base_url}'
    when 'mailgun' then '{from*,to*,domain*,region,base_url}'
    when 'pagerduty' then '{base_url}'
    when 'webhook' then '{url,url_secret_name}'
    when 'ping' then '{mode,every_minutes,schedule}'
    else '{}' end
$$;

create or replace function backup.check_alert_channel(p_channel backup.alert_channel)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_keys text[] := backup.alert_setting_keys(p_channel.kind);
  v_key text;
  v_value jsonb;
  v_url text := coalesce(p_channel.settings ->> 'base_url', p_channel.settings ->> 'url');
begin
  if p_channel.kind not in ('slack', 'discord', 'teams', 'resend', 'sendgrid', 'mailgun', 'pagerduty', 'webhook', 'ping') then
    raise exception 'unknown kind of channel: %', p_channel.kind using errcode = '22023',
      hint = 'One of slack, discord, teams, resend, sendgrid, mailgun, pagerduty, webhook, ping.';
  end if;
  if p_channel.secret_name !~ '^ALERT_[A-Z0-9_]+$' then
    -- The value is not repeated: it may be the secret itself, given in the wrong place.
    raise exception 'p_secret_name must be the name of a function secret, ALERT_ and then A to Z, 0 to 9 and _' using errcode = '22023',
      hint = 'supabase secrets set ALERT_SLACK_URL=... and then p_secret_name => ''ALERT_SLACK_URL''.';
  end if;
  for v_key, v_value in select key, value from jsonb_each(p_channel.settings) loop
    if v_key <> all (v_keys) and v_key || '*' <> all (v_keys) then
      raise exception 'a channel of the kind % has no setting %', p_channel.kind, v_key using errcode = '22023',
        hint = format('It has: %s. Secrets are function secrets, never settings.', replace(array_to_string(v_keys, ', '), '*', ''));
    end if;
    if v_value::text ~ '\\(u00[01]|[nrtbf])' or v_value::text ~ '[[:cntrl:]]' then
      -- A line break in an address is where the next header of a mail would begin.
      raise exception 'the setting % must have no line breaks or other control characters', v_key using errcode = '22023';
    end if;
    if v_key = 'to' and (jsonb_typeof(v_value) <> 'array' or jsonb_array_length(v_value) not between 1 and 50
       or exists (select from jsonb_array_elements(v_value) as a where jsonb_typeof(a) <> 'string' or a #>> '{}' !~ '^[^\s@,;<>]+@[^\s@,;<>]+$')) then
      raise exception 'the setting to must be a list of 1 to 50 mail addresses' using errcode = '22023';
    elsif v_key = 'every_minutes' and (jsonb_typeof(v_value) <> 'number' or v_value::text !~ '^[0-9]+$' or v_value::integer not between 1 and 1440) then
      raise exception 'the setting every_minutes must be a number from 1 to 1440: %', v_value using errcode = '22023';
    elsif v_key not in ('to', 'every_minutes') and jsonb_typeof(v_value) <> 'string' then
      raise exception 'the setting % must be a text', v_key using errcode = '22023';
    end if;
  end loop;
  select replace(k, '*', '') into v_key from unnest(v_keys) as k
  where k like '%*' and not p_channel.settings ? replace(k, '*', '') limit 1;
  if v_key is not null then
    raise exception 'a channel of the kind % needs the setting %', p_channel.kind, v_key using errcode = '22023';
  end if;
  if v_url is not null and v_url !~ '^https://[^\s/@]+(/|$)' and v_url !~ '^http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/|$)' then
    raise exception 'an address must begin with https:// and hold no user or password' using errcode = '22023';
  end if;
  if p_channel.settings ->> 'region' not in ('us', 'eu') then
    raise exception 'the setting region must be us or eu' using errcode = '22023';
  end if;
  if p_channel.settings ->> 'mode' not in ('problems', 'heartbeat', 'runs') then
    raise exception 'the setting mode must be problems, heartbeat or runs' using errcode = '22023';
  end if;
  if p_channel.settings ->> 'domain' !~ '^[A-Za-z0-9.-]+$' then
    raise exception 'the setting domain must be a host name' using errcode = '22023';
  end if;
  if p_channel.kind = 'webhook' and (p_channel.settings ? 'url') = (p_channel.settings ? 'url_secret_name') then
    raise exception 'a webhook needs url, or url_secret_name where the address itself is a secret' using errcode = '22023';
  end if;
  if p_channel.settings ->> 'url_secret_name' !~ '^ALERT_[A-Z0-9_]+$' then
    raise exception 'url_secret_name must be the name of a function secret that begins with ALERT_' using errcode = '22023';
  end if;
end
$$;

create or replace function backup.check_alert_fallback(p_name text)
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_chain text[] := array[p_name];
  v_next text := p_name;
begin
  loop
    select fallback into v_next from backup.alert_channel where name = v_next;
    exit when v_next is null;
    if v_next = any (v_chain) then
      raise exception 'the fallbacks go in a circle: %', array_to_string(v_chain || v_next, ' > ') using errcode = '22023';
    end if;
    v_chain := v_chain || v_next;
  end loop;
end
$$;

create or replace function backup.alert_channel_set(
  p_name text, p_kind text default null, p_secret_name text default null, p_settings jsonb default null,
  p_enabled boolean default null, p_fallback text default null)
returns backup.alert_channel
language plpgsql
set search_path = ''
as $$
declare
  v_channel backup.alert_channel;
begin
  -- One at a time: two changes that do not see each other could close a circle of fallbacks.
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.alert_channels', 0));
  select * into v_channel from backup.alert_channel where name = p_name for update;
  if not found and (p_kind is null or p_secret_name is null) then
    raise exception 'there is no channel %; a new one needs p_kind and p_secret_name', p_name using errcode = 'P0002';
  end if;
  if p_fallback <> '' and not exists (select from backup.alert_channel where name = p_fallback) then
    raise exception 'there is no channel % to fall back to', p_fallback using errcode = 'P0002';
  end if;
  v_channel.name := p_name;
  v_channel.kind := coalesce(p_kind, v_channel.kind);
  v_channel.secret_name := coalesce(p_secret_name, v_channel.secret_name);
  v_channel.settings := coalesce(p_settings, v_channel.settings, '{}');
  v_channel.enabled := coalesce(p_enabled, v_channel.enabled, true);
  v_channel.fallback := case when p_fallback is null then v_channel.fallback else nullif(p_fallback, '') end;
  perform backup.check_alert_channel(v_channel);
  insert into backup.alert_channel as c (name, kind, secret_name, settings, enabled, fallback)
  values (v_channel.name, v_channel.kind, v_channel.secret_name, v_channel.settings, v_channel.enabled, v_channel.fallback)
  on conflict (name) do update
    set kind = excluded.kind, secret_name = excluded.secret_name, settings = excluded.settings,
        enabled = excluded.enabled, fallback = excluded.fallback, updated_at = clock_timestamp()
  returning * into v_channel;
  perform backup.check_alert_fallback(p_name);
  return v_channel;
end
$$;
comment on function backup.alert_channel_set(text, text, text, jsonb, boolean, text) is
  'Makes or changes a channel; what is not given stays. p_fallback => '''' takes the fallback away.';

create or replace function backup.alert_channel_remove(p_name text)
returns boolean
language sql
set search_path = ''
as $$
  with gone as (delete from backup.alert_channel where name = p_name returning 1)
  select exists (select from gone)
$$;

create or replace function backup.check_alert_rule(p_rule backup.alert_rule, p_before text[])
returns void
language plpgsql
stable
set search_path = ''
as $$
declare
  v_unknown text;
begin
  if cardinality(p_rule.alert_types) = 0 or array_position(p_rule.alert_types, null) is not null then
    raise exception 'a rule needs alert types' using errcode = '22023', hint = 'Such as {*}, {backup_*}, {health:pg_cron}.';
  end if;
  if p_rule.min_severity not in ('info', 'warning', 'critical') or p_rule.quiet_breaks not in ('info', 'warning', 'critical') then
    raise exception 'unknown severity: % or %', p_rule.min_severity, p_rule.quiet_breaks using errcode = '22023',
      hint = 'One of info, warning, critical.';
  end if;
  select c into v_unknown from unnest(p_rule.channels || p_rule.escalate_to) as c
  where c <> all (coalesce(p_before, '{}')) and not exists (select from backup.alert_channel where name = c) limit 1;
  if v_unknown is not null then
    raise exception 'there is no channel %', v_unknown using errcode = 'P0002',
      hint = 'Make it first with backup.alert_channel_set().';
  end if;
  if not exists (select from pg_catalog.pg_timezone_names where name = p_rule.quiet_zone) then
    raise exception 'unknown time zone: %', p_rule.quiet_zone using errcode = '22023', hint = 'Such as UTC or Europe/Berlin.';
  end if;
  if (p_rule.escalate_after is null) <> (cardinality(p_rule.escalate_to) = 0) then
    raise exception 'an escalation needs both p_escalate_after and p_escalate_to' using errcode = '22023';
  end if;
end
$$;

-- Intervals of 0 and the quiet hours 'none' take away; the severity 'none' lets nothing break the quiet.
create or replace function backup.alert_rule_set(
  p_name text, p_types text[] default null, p_min_severity text default null, p_channels text[] default null,
  p_repeat_every interval default null, p_quiet text default null, p_quiet_breaks text default null,
  p_escalate_after interval default null, p_escalate_to text[] default null, p_min_occurrences integer default null,
  p_send_resolved boolean default null, p_enabled boolean default null)
returns backup.alert_rule
language plpgsql
set search_path = ''
as $$
declare
  v_rule backup.alert_rule;
  v_before text[];
  v_quiet text[] := regexp_match(p_quiet, '^([0-2]\d:[0-5]\d)-([0-2]\d:[0-5]\d)(?: (\S+))?$');
begin
  select * into v_rule from backup.alert_rule where name = p_name for update;
  if not found and (p_types is null or p_channels is null) then
    raise exception 'there is no rule %; a new one needs p_types and p_channels', p_name using errcode = 'P0002';
  end if;
  if p_quiet <> 'none' and v_quiet is null then
    raise exception 'quiet hours must look like 22:00-07:00 Europe/Berlin, or be none: %', p_quiet using errcode = '22023';
  end if;
  v_before := v_rule.channels || v_rule.escalate_to;
  v_rule.name := p_name;
  v_rule.alert_types := coalesce(p_types, v_rule.alert_types);
  v_rule.min_severity := coalesce(p_min_severity, v_rule.min_severity, 'warning');
  v_rule.channels := coalesce(p_channels, v_rule.channels);
  v_rule.repeat_every := nullif(coalesce(p_repeat_every, v_rule.repeat_every), interval '0');
  if p_quiet is not null then
    v_rule.quiet_from := v_quiet[1]::time;
    v_rule.quiet_until := v_quiet[2]::time;
    v_rule.quiet_zone := coalesce(v_quiet[3], 'UTC');
  end if;
  v_rule.quiet_zone := coalesce(v_rule.quiet_zone, 'UTC');
  v_rule.quiet_breaks := case when p_quiet_breaks is not null then nullif(p_quiet_breaks, 'none')
                              when v_before is null then 'critical' else v_rule.quiet_breaks end;
  v_rule.escalate_after := nullif(coalesce(p_escalate_after, v_rule.escalate_after), interval '0');
  v_rule.escalate_to := case when p_escalate_after = interval '0' then '{}' else coalesce(p_escalate_to, v_rule.escalate_to, '{}') end;
  v_rule.min_occurrences := coalesce(p_min_occurrences, v_rule.min_occurrences, 1);
  v_rule.send_resolved := coalesce(p_send_resolved, v_rule.send_resolved, true);
  v_rule.enabled := coalesce(p_enabled, v_rule.enabled, true);
  v_rule.updated_at := clock_timestamp();
  perform backup.check_alert_rule(v_rule, v_before);
  delete from backup.alert_rule where name = p_name;
  insert into backup.alert_rule select v_rule.*;
  return v_rule;
end
$$;
comment on function backup.alert_rule_set(text, text[], text, text[], interval, text, text, interval, text[], integer, boolean, boolean) is
  'Makes or changes a rule; what is not given stays.';

create or replace function backup.alert_rule_remove(p_name text)
returns boolean
language sql
set search_path = ''
as $$
  with gone as (delete from backup.alert_rule where name = p_name returning 1)
  select exists (select from gone)
$$;
revoke all on all functions in schema backup from public;
