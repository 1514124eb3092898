-- Schedules: when backups and drills are begun. A row is a schedule; pg_cron jobs are made from the rows
-- (materialise_schedules), and the heartbeat finds whatever pg_cron did not begin.
create table if not exists backup.schedule (
  name text primary key
    constraint schedule_name_form check (name ~ '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' and length(name) <= 40)
    constraint schedule_name_free check (name <> 'tick' and name !~ '^keeper'),
  work text not null constraint schedule_work_known check (work in ('backup', 'drill', 'increment', 'archive')),
  cadence text not null constraint schedule_cadence_known check (backup.is_cadence(cadence)),
  scope text not null default 'full' constraint schedule_scope_known check (scope in ('full', 'critical', 'tables')),
  request jsonb not null default '{}' constraint schedule_request_object check (jsonb_typeof(request) = 'object'),
  cron text not null,
  enabled boolean not null default false,
  available boolean not null default true,
  stores text[] not null default '{primary}',
  retention text,
  codec text constraint schedule_codec_known check (codec in ('zstd', 'gzip', 'none')),
  format text constraint schedule_format_known check (format in ('copy', 'json', 'csv')),
  objective_rpo interval constraint schedule_rpo_positive check (objective_rpo > interval '0'),
  objective_rto interval constraint schedule_rto_positive check (objective_rto > interval '0'),
  category text,
  grace interval not null constraint schedule_grace_positive check (grace > interval '0'),
  deep_verification boolean not null default false,
  paused_until timestamptz,
  checked_until timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint schedule_enabled_available check (available or not enabled)
);
alter table backup.schedule enable row level security;
comment on table backup.schedule is 'When backups and drills begin. Change it with backup.schedule_set(), which checks and tells pg_cron.';
comment on column backup.schedule.request is 'More of the request for backup.start_run(), such as tables and where.';
comment on column backup.schedule.cron is 'Five fields, in UTC, as pg_cron reads them.';
comment on column backup.schedule.available is 'False while the part that does this work is not installed.';
comment on column backup.schedule.retention is 'How long its backups are kept: an interval such as 30 days, or forever.';
comment on column backup.schedule.category is 'The kind of data whose recovery objectives these are.';
comment on column backup.schedule.grace is 'How late a time may still be begun; later it is recorded as skipped.';
comment on column backup.schedule.paused_until is 'Due times up to then are skipped; a time in the past has no effect.';
comment on column backup.schedule.checked_until is 'Due times up to then have their rows in backup.schedule_run, or are not owed.';

create table if not exists backup.schedule_run (
  name text not null references backup.schedule on update cascade on delete cascade,
  due_at timestamptz not null,
  state text not null default 'waiting' constraint schedule_run_state_known check (state in
    ('waiting', 'running', 'verifying', 'succeeded', 'failed', 'cancelled', 'superseded', 'skipped')),
  made_up boolean not null default false,
  backup_id text,
  job_id uuid,
  verification_id uuid,
  attempts integer not null default 0,
  reason text,
  blocked boolean not null default false,
  checks jsonb not null default '[]',
  not_before timestamptz,
  began_at timestamptz,
  ended_at timestamptz,
  primary key (name, due_at)
);
alter table backup.schedule_run enable row level security;
-- Two runs of one schedule never overlap, and one at most waits.
create unique index if not exists schedule_run_active on backup.schedule_run (name) where state in ('running', 'verifying');
create unique index if not exists schedule_run_waiting on backup.schedule_run (name) where state = 'waiting';
create index if not exists schedule_run_backup on backup.schedule_run (backup_id);
create index if not exists schedule_run_old on backup.schedule_run (due_at);
comment on table backup.schedule_run is 'What became of each due time of a schedule: each is begun at most once.';
comment on column backup.schedule_run.made_up is 'Begun more than two minutes after its time.';
comment on column backup.schedule_run.backup_id is 'Its run; after a retry the newest one (see backup_log.retry_of).';
comment on column backup.schedule_run.blocked is 'It waits because a check before it failed, not because something else runs.';

create table if not exists backup.maintenance_window (
  id bigint generated always as identity primary key,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text not null constraint maintenance_reason_given check (btrim(reason) <> ''),
  schedules text[],
  created_at timestamptz not null default now(),
  constraint maintenance_ends_later check (ends_at > starts_at)
);
alter table backup.maintenance_window enable row level security;
comment on table backup.maintenance_window is 'While one is open nothing begins; what came due meanwhile is made up afterwards.';
comment on column backup.maintenance_window.schedules is 'The schedules that it holds; null: all.';

insert into backup.setting (name, value) values ('schedule_retries', '3'), ('schedule_retry_minutes', '5')
on conflict (name) do nothing;

-- The presets. Daily and weekly backups are on from the start, but nothing is due before backup.configure() has been
-- called. What needs a decision (a drill's target, more storage) is off.
insert into backup.schedule
  (name, work, cadence, scope, cron, enabled, available, retention, objective_rpo, objective_rto, category, grace)
values
  ('hourly-incremental', 'increment', 'hourly', 'full', '0 * * * *', false, false, '24 hours', '1 hour', '2 hours', 'critical', '1 hour'),
  ('daily-full', 'backup', 'daily', 'full', '0 2 * * *', true, true, '30 days', '24 hours', '4 hours', null, '1 day'),
  ('weekly-critical', 'backup', 'weekly', 'critical', '0 3 * * 0', true, true, '3 months', '7 days', '2 hours', 'critical', '7 days'),
  ('monthly-full', 'backup', 'monthly', 'full', '0 4 1 * *', false, true, '1 year', '1 month', '8 hours', 'standard', '1 month'),
  ('yearly-archive', 'archive', 'yearly', 'full', '0 5 1 1 *', false, false, '7 years', '1 year', '48 hours', 'non-critical', '90 days'),
  ('weekly-drill', 'drill', 'weekly', 'full', '0 6 * * 0', false, true, null, null, '4 hours', null, '3 days'),
  ('monthly-drill', 'drill', 'monthly', 'full', '0 6 2 * *', false, true, null, null, '4 hours', null, '14 days')
on conflict (name) do nothing;
