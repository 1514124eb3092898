-- What an erasure leaves behind for a while: rows that the law wants kept, and copies in backups. Both end on a day.
-- Rows that the law wants kept, by their keys: when their time is over there may be no path to a person any more.
create table if not exists backup.erasure_kept (
  erasure_id uuid not null references backup.erasure,
  schema_name text not null,
  table_name text not null,
  key_columns text[] not null,
  keys jsonb,
  row_count bigint not null,
  reason text not null,
  keep_until timestamptz not null,
  erased_at timestamptz,
  primary key (erasure_id, schema_name, table_name)
);
alter table backup.erasure_kept enable row level security;
create index if not exists erasure_kept_due on backup.erasure_kept (keep_until) where erased_at is null;
comment on column backup.erasure_kept.keys is 'A list of lists of texts, in the order of key_columns; null once they are erased.';

-- Which backups hold the data of which erased person, and until when they may.
create table if not exists backup.erased_in_backup (
  backup_id text not null,
  erasure_id uuid not null references backup.erasure,
  must_end_by timestamptz not null,
  primary key (backup_id, erasure_id)
);
alter table backup.erased_in_backup enable row level security;
create index if not exists erased_in_backup_due on backup.erased_in_backup (must_end_by);
revoke all on backup.erasure_kept, backup.erased_in_backup from public;

insert into backup.job_kind (kind, function_name, parallelism, attempts, on_end)
values ('account_erase_kept', 'account', 1, 5, null)
on conflict (kind) do nothing;

-- Rows whose reason to be kept has ended.
create or replace function backup.tick_kept_rows()
returns jsonb
language plpgsql
set search_path = ''
as $$
begin
  if exists (select from backup.erasure_kept where erased_at is null and keep_until <= clock_timestamp()) then
    return to_jsonb(backup.start_job('account_erase_kept', 'kept'));
  end if;
  return null;
end
$$;
insert into backup.tick_step (name, position) values ('tick_kept_rows', 45) on conflict (name) do nothing;

-- A backup that has ended (its row says failed or cancelled, or is gone) holds nothing any more.
create or replace function backup.erasures_in_backups()
returns table (id text, erasure_id uuid, backup_id text, due_at timestamptz)
language sql
stable
set search_path = ''
as $$
  select e.backup_id || ' holds erasure ' || e.erasure_id, e.erasure_id, e.backup_id, e.must_end_by
  from backup.erased_in_backup e
  join public.backup_log l on l.backup_id = e.backup_id and l.status in ('in_progress', 'completed', 'completed_with_limits')
  order by e.must_end_by, e.backup_id
$$;
comment on function backup.erasures_in_backups() is 'Backups that still hold data of erased people, and by when each must be gone.';

create or replace function backup.backups_overdue_for_erasure()
returns table (backup_id text, erasures bigint, must_end_by timestamptz)
language sql
stable
set search_path = ''
as $$
  select e.backup_id, count(*), min(e.due_at)
  from backup.erasures_in_backups() e
  where e.due_at <= clock_timestamp()
  group by e.backup_id
  order by min(e.due_at), e.backup_id
$$;
comment on function backup.backups_overdue_for_erasure() is 'Backups that hold erased people longer than they may.';

revoke all on all functions in schema backup from public;
