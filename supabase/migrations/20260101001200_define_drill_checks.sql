-- The owner's own checks of a restored database: every drill runs them, read-only and for at most a minute each.
create table if not exists backup.drill_check (
  name text primary key check (name <> ''),
  sql text not null check (sql <> ''),
  expect text,
  created_at timestamptz not null default now()
);
alter table backup.drill_check enable row level security;
comment on table backup.drill_check is 'Queries that every restore drill runs on the restored database.';
comment on column backup.drill_check.sql is
  'One query without parameters that gives one row: a boolean, or (ok boolean, detail text). The detail is shown when it fails.';
comment on column backup.drill_check.expect is
  'What the first column must say, as text. Null: it must be true.';
revoke all on backup.drill_check from public;
