-- The queue: one row per bounded piece of work, claimed under a lease, and what each piece left in the store.
create table if not exists backup.task (
  id bigint generated always as identity primary key,
  backup_id text not null,
  kind text not null check (kind in ('plan', 'schema', 'copy', 'finish', 'verify', 'clean')),
  payload jsonb not null default '{}',
  verification_id uuid,
  state text not null default 'pending' check (state in ('pending', 'claimed', 'done', 'failed', 'cancelled')),
  attempts integer not null default 0,
  not_before timestamptz not null default now(),
  lease_token uuid,
  lease_until timestamptz,
  worker text,
  error jsonb,
  result jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
alter table backup.task enable row level security;
create index if not exists task_due on backup.task (not_before, id) where state = 'pending';
create index if not exists task_open on backup.task (backup_id) where state in ('pending', 'claimed');
create index if not exists task_leased on backup.task (lease_until) where state = 'claimed';
comment on table backup.task is 'One bounded piece of a run, claimed by one worker call under a lease.';

create table if not exists backup.segment (
  backup_id text not null,
  path text not null,
  kind text not null,
  schema_name text,
  table_name text,
  part text,
  row_count bigint,
  raw_bytes bigint not null,
  stored_bytes bigint not null,
  sha256 text not null,
  store_sha256 text,
  facts jsonb,
  task_id bigint,
  created_at timestamptz not null default now(),
  primary key (backup_id, path)
);
alter table backup.segment enable row level security;
comment on table backup.segment is 'One stored object of a backup; becomes a line of its manifest.';

create table if not exists backup.run_table (
  backup_id text not null,
  schema_name text not null,
  table_name text not null,
  estimated_bytes bigint not null,
  estimated_rows bigint not null,
  slices integer not null,
  facts jsonb not null,
  primary key (backup_id, schema_name, table_name)
);
alter table backup.run_table enable row level security;
comment on table backup.run_table is 'The tables that a run copies, as its plan saw them in the snapshot.';

create table if not exists backup.ticket (
  token_sha256 bytea primary key,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz
);
alter table backup.ticket enable row level security;
comment on table backup.ticket is 'Single-use permissions for one worker call; only the hash is kept.';

create table if not exists backup.table_tier (
  schema_name text not null default 'public',
  table_name text not null,
  tier integer not null check (tier between 1 and 99),
  tier_name text not null,
  primary key (schema_name, table_name)
);
alter table backup.table_tier enable row level security;
comment on table backup.table_tier is 'The critical tables and the order they are restored in; edit it to fit the project.';

insert into backup.table_tier (table_name, tier, tier_name)
values
  ('users', 1, 'authentication'), ('user_roles', 1, 'authentication'),
  ('user_security_settings', 1, 'authentication'), ('login_history', 1, 'authentication'),
  ('calendars', 2, 'business core'), ('calendar_settings', 2, 'business core'),
  ('service_types', 2, 'business core'), ('bookings', 2, 'business core'),
  ('business_stripe_accounts', 3, 'finance'), ('booking_payments', 3, 'finance'),
  ('payment_settings', 3, 'finance'), ('installment_payments', 3, 'finance'),
  ('whatsapp_contacts', 4, 'communication'), ('whatsapp_conversations', 4, 'communication'),
  ('whatsapp_messages', 4, 'communication'),
  ('webhook_events', 5, 'operational'), ('security_events_log', 5, 'operational')
on conflict do nothing;
