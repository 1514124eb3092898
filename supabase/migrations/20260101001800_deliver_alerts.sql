-- Who hears of what: channels, rules, problems and deliveries. Secrets (webhook addresses, API keys) are function secrets;
-- the database knows their names alone. The heartbeat writes deliveries, and database-health-monitor sends them.
create table if not exists backup.alert_channel (
  name text primary key
    constraint alert_channel_name_form check (name ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' and length(name) <= 40),
  kind text not null constraint alert_channel_kind_known check (kind in
    ('slack', 'discord', 'teams', 'resend', 'sendgrid', 'mailgun', 'pagerduty', 'webhook', 'ping')),
  secret_name text not null constraint alert_channel_secret_form check (secret_name ~ '^ALERT_[A-Z0-9_]+$'),
  settings jsonb not null default '{}' constraint alert_channel_settings_object check (jsonb_typeof(settings) = 'object'),
  enabled boolean not null default true,
  fallback text references backup.alert_channel on update cascade on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
alter table backup.alert_channel enable row level security;
comment on table backup.alert_channel is 'Where alerts go. Change it with backup.alert_channel_set(), which checks.';
comment on column backup.alert_channel.secret_name is
  'The function secret (environment variable) with the webhook address, ping address, API key or signing key.';
comment on column backup.alert_channel.fallback is 'The channel that gets what this one could not deliver.';

create table if not exists backup.alert_rule (
  name text primary key
    constraint alert_rule_name_form check (name ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' and length(name) <= 40),
  alert_types text[] not null,
  min_severity text not null default 'warning' constraint alert_rule_severity_known check (min_severity in ('info', 'warning', 'critical')),
  channels text[] not null default '{}',
  repeat_every interval constraint alert_rule_repeat_positive check (repeat_every >= interval '1 minute'),
  quiet_from time,
  quiet_until time,
  quiet_zone text not null default 'UTC',
  quiet_breaks text default 'critical' constraint alert_rule_breaks_known check (quiet_breaks in ('info', 'warning', 'critical')),
  escalate_after interval constraint alert_rule_escalate_positive check (escalate_after >= interval '1 minute'),
  escalate_to text[] not null default '{}',
  min_occurrences integer not null default 1 constraint alert_rule_occurrences_positive check (min_occurrences between 1 and 1000),
  send_resolved boolean not null default true,
  enabled boolean not null default true,
  updated_at timestamptz not null default now(),
  constraint alert_rule_quiet_window check ((quiet_from is null) = (quiet_until is null) and quiet_from <> quiet_until)
);
alter table backup.alert_rule enable row level security;
comment on table backup.alert_rule is 'Which problems and notices go to which channels. Change it with backup.alert_rule_set().';
comment on column backup.alert_rule.alert_types is 'Types (backup_failed) or keys (health:pg_cron); * stands for anything.';
comment on column backup.alert_rule.channels is 'Names of channels; one that does not exist is passed over.';
comment on column backup.alert_rule.repeat_every is 'How often an open problem is told again; null: never.';
comment on column backup.alert_rule.quiet_breaks is 'From this severity on quiet hours do not count; null: they always do.';
comment on column backup.alert_rule.min_occurrences is 'So many times in a row before it is told.';

create table if not exists backup.problem (
  id uuid primary key default gen_random_uuid(),
  key text not null,
  type text not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  message text not null,
  todo text not null default '',
  facts jsonb not null default '{}',
  state text not null default 'open' check (state in ('open', 'resolved')),
  occurrences integer not null default 1,
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  resolved_at timestamptz,
  resolved_because text
);
alter table backup.problem enable row level security;
create unique index if not exists problem_open on backup.problem (key) where state = 'open';
create index if not exists problem_resolved on backup.problem (resolved_at) where state = 'resolved';
comment on table backup.problem is 'What is wrong, once for each thing that is: raised by alerts, resolved by what is seen to be good again.';
comment on column backup.problem.message is 'Made of facts that may leave the project; never the free text of an alert.';
comment on column backup.problem.occurrences is 'How often in a row.';

create table if not exists backup.alert_delivery (
  id uuid primary key default gen_random_uuid(),
  ordinal bigint generated always as identity,
  subject text not null,
  problem_id uuid references backup.problem on delete cascade,
  channel text not null,
  kind text not null check (kind in ('open', 'repeat', 'escalation', 'resolved', 'notice', 'digest')),
  sequence integer not null default 0,
  message jsonb not null,
  state text not null default 'pending' check (state in ('pending', 'sent', 'failed', 'fell_over', 'expired')),
  attempts integer not null default 0,
  not_before timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  error text,
  via uuid references backup.alert_delivery on delete set null,
  created_at timestamptz not null default clock_timestamp(),
  sent_at timestamptz,
  constraint alert_delivery_once unique (subject, channel, kind, sequence)
);
alter table backup.alert_delivery enable row level security;
create index if not exists alert_delivery_due on backup.alert_delivery (not_before) where state = 'pending';
create index if not exists alert_delivery_newest on backup.alert_delivery (created_at desc);
create index if not exists alert_delivery_failed on backup.alert_delivery (not_before) where state = 'failed';
-- So that a day's signs of life are found, and thrown away, without a look at everything.
create index if not exists alert_delivery_heartbeat on backup.alert_delivery (created_at) where subject like 'heartbeat:%';
comment on table backup.alert_delivery is 'One message to one channel; the unique key is why nothing is told twice.';
comment on column backup.alert_delivery.via is 'The delivery that could not be made and fell over to this one.';
comment on column backup.alert_delivery.expires_at is 'A sign of life that comes late would be a lie.';

create table if not exists backup.alert_seen (
  alert_id text primary key,
  at timestamptz not null default now(),
  -- A row that says it is from tomorrow can be read until then, and must be known until then.
  alert_at timestamptz not null default now()
);
create index if not exists alert_seen_oldest on backup.alert_seen (greatest(at, alert_at));
alter table backup.alert_seen enable row level security;
comment on table backup.alert_seen is
  'Rows of public.system_health_alerts that were read. Not a cursor: a long transaction commits rows of an earlier time.';
create index if not exists system_health_alerts_newest on public.system_health_alerts (created_at desc);

insert into backup.setting (name, value)
values
  ('alert_resolve_after_minutes', '5'),
  ('alert_event_hours', '24'),
  ('alert_attempts', '5'),
  ('alert_retry_base_seconds', '15'),
  ('alert_revive_minutes', '15'),
  ('alert_most_problems', '50'),
  ('alert_keep_days', '90'),
  ('alert_text_types', '[]'),
  ('digest_day', '1'),
  ('digest_hour', '8')
on conflict (name) do nothing;

-- They name channels that do not exist yet: whoever makes a channel of that name has switched the rule on.
insert into backup.alert_rule (name, alert_types, min_severity, channels, repeat_every, min_occurrences)
values
  ('problems', '{*}', 'warning', '{slack,teams,discord,webhook}', '24 hours', 1),
  ('on-call-mail', '{*}', 'critical', '{email}', '12 hours', 1),
  ('pagerduty', '{*}', 'critical', '{pagerduty}', null, 2),
  ('success', '{backup_completed}', 'info', '{slack}', null, 1),
  ('digest', '{weekly_digest}', 'info', '{email}', null, 1)
on conflict (name) do nothing;

create or replace function backup.severity_rank(p_severity text)
returns integer
language sql
immutable
set search_path = ''
as $$
  select case p_severity when 'critical' then 3 when 'warning' then 2 else 1 end
$$;

-- The words of other people's rows as ours.
create or replace function backup.severity_of(p_word text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case
    when lower(p_word) in ('critical', 'high', 'error', 'fatal', 'alert', 'emergency', 'severe') then 'critical'
    when lower(p_word) in ('warning', 'warn', 'medium', 'major') or p_word is null then 'warning'
    else 'info' end
$$;

create or replace function backup.alert_matches(p_patterns text[], p_type text, p_key text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select exists (
    select from unnest(p_patterns) as pattern,
      lateral (select replace(replace(replace(replace(pattern, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%') as form) as f
    where p_type like f.form or p_key like f.form)
$$;

-- When the quiet hours that p_now is in will be over; null outside of them. Wall clock of the zone, over midnight too.
create or replace function backup.quiet_end(p_rule backup.alert_rule, p_severity text, p_now timestamptz)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_local timestamp := p_now at time zone p_rule.quiet_zone;
  v_over_midnight boolean := p_rule.quiet_from > p_rule.quiet_until;
begin
  if p_rule.quiet_from is null
     or backup.severity_rank(p_severity) >= backup.severity_rank(p_rule.quiet_breaks) and p_rule.quiet_breaks is not null then
    return null;
  end if;
  if v_over_midnight and v_local::time >= p_rule.quiet_from then
    return (v_local::date + 1 + p_rule.quiet_until) at time zone p_rule.quiet_zone;
  elsif v_local::time < p_rule.quiet_until and (v_over_midnight or v_local::time >= p_rule.quiet_from) then
    return (v_local::date + p_rule.quiet_until) at time zone p_rule.quiet_zone;
  end if;
  return null;
end
$$;
revoke all on backup.alert_channel, backup.alert_rule, backup.problem, backup.alert_delivery, backup.alert_seen from public;
revoke all on all functions in schema backup from public;
-- What was written before alerts existed is history.
insert into backup.alert_seen (alert_id, alert_at)
select coalesce(to_jsonb(a) ->> 'id', md5(to_jsonb(a)::text)), a.created_at from public.system_health_alerts a
where a.created_at > now() - interval '2 days'
on conflict (alert_id) do nothing;
