-- The tables that the backup plans name, in public. A table of the same name that is already there is adopted:
-- columns it lacks are added, nothing of it is changed, and its own row security stays as its owner set it.
create or replace function backup.adopt_or_create(p_table text, p_create text, p_columns jsonb)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_column text;
  v_type text;
begin
  if pg_catalog.to_regclass('public.' || pg_catalog.quote_ident(p_table)) is null then
    execute pg_catalog.format('create table public.%I (%s)', p_table, p_create);
    execute pg_catalog.format('alter table public.%I enable row level security', p_table);
    execute pg_catalog.format('revoke all on public.%I from public', p_table);
    perform backup.restrict_api_roles(p_table);
  end if;
  for v_column, v_type in select key, value from pg_catalog.jsonb_each_text(p_columns) loop
    if not exists (
      select from pg_catalog.pg_attribute a
      where a.attrelid = pg_catalog.to_regclass('public.' || pg_catalog.quote_ident(p_table))
        and a.attname = v_column and not a.attisdropped
    ) then
      execute pg_catalog.format('alter table public.%I add column %I %s', p_table, v_column, v_type);
    end if;
  end loop;
end
$$;
comment on function backup.adopt_or_create(text, text, jsonb) is
  'Used by migrations only: the arguments are trusted SQL of ours, never input.';

-- The service role may read; people and the public may not. Row security has no policy, so it denies as well.
create or replace function backup.restrict_api_roles(p_table text)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_role text;
begin
  foreach v_role in array array['anon', 'authenticated', 'service_role'] loop
    if exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute pg_catalog.format('revoke all on public.%I from %I', p_table, v_role);
    end if;
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    execute pg_catalog.format('grant select on public.%I to service_role', p_table);
  end if;
end
$$;

select backup.adopt_or_create('backup_log',
  $c$
    backup_id text primary key,
    backup_type text not null,
    reason text,
    created_by uuid,
    started_at timestamptz not null default now(),
    status text not null default 'in_progress'
  $c$,
  $c${
    "completed_at": "timestamptz",
    "created_at": "timestamptz not null default now()",
    "stage": "text not null default 'queued'",
    "request": "jsonb not null default '{}'",
    "label": "text",
    "folder": "text",
    "way": "text",
    "consistency": "jsonb",
    "catalog": "jsonb",
    "limits": "jsonb not null default '[]'",
    "error": "jsonb",
    "attempt": "integer not null default 1",
    "retry_of": "text",
    "table_count": "integer",
    "row_count": "bigint",
    "object_count": "integer",
    "raw_bytes": "bigint",
    "stored_bytes": "bigint",
    "estimated_bytes": "bigint",
    "manifest_sha256": "text",
    "location": "text"
  }$c$);

do $$
begin
  if not exists (select from pg_catalog.pg_constraint where conname = 'backup_log_status_known') then
    alter table public.backup_log add constraint backup_log_status_known
      check (status in ('in_progress', 'completed', 'completed_with_limits', 'failed', 'cancelled')) not valid;
  end if;
  if not exists (select from pg_catalog.pg_constraint where conname = 'backup_log_stage_known') then
    alter table public.backup_log add constraint backup_log_stage_known
      check (stage in ('queued', 'planning', 'copying', 'finishing', 'done')) not valid;
  end if;
end
$$;

create unique index if not exists backup_log_backup_id on public.backup_log (backup_id);
create index if not exists backup_log_newest on public.backup_log (started_at desc, backup_id desc);

select backup.adopt_or_create('backup_verification',
  $c$
    id uuid primary key default gen_random_uuid(),
    backup_id text not null,
    verification_type text,
    verification_date timestamptz default now(),
    success boolean,
    details jsonb,
    verified_by uuid
  $c$, '{}');
create index if not exists backup_verification_backup on public.backup_verification (backup_id, verification_date desc);

select backup.adopt_or_create('backup_tests',
  $c$
    id uuid primary key default gen_random_uuid(),
    backup_id text not null,
    test_type text not null,
    test_environment text,
    started_at timestamptz default now(),
    completed_at timestamptz,
    success boolean,
    errors jsonb,
    data_verified jsonb,
    tested_by uuid,
    notes text
  $c$, '{}');

select backup.adopt_or_create('security_events_log',
  $c$
    id uuid primary key default gen_random_uuid(),
    event_type text not null,
    event_category text,
    severity text,
    user_id uuid,
    event_data jsonb,
    created_at timestamptz not null default now()
  $c$,
  $c${"event_category": "text", "severity": "text", "user_id": "uuid", "event_data": "jsonb", "created_at": "timestamptz default now()"}$c$);

select backup.adopt_or_create('system_health_alerts',
  $c$
    id uuid primary key default gen_random_uuid(),
    alert_type text not null,
    severity text,
    message text,
    event_data jsonb,
    created_at timestamptz not null default now()
  $c$,
  $c${"severity": "text", "message": "text", "event_data": "jsonb", "created_at": "timestamptz default now()"}$c$);
create index if not exists system_health_alerts_type on public.system_health_alerts (alert_type, created_at desc);
