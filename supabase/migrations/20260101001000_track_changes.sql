-- The view of the WedSync plan. Tables are watched on request: select backup.track_table('public.bookings').
create table if not exists backup.change (
  id bigint generated always as identity primary key,
  table_name text not null,
  record_id text not null,
  operation text not null check (operation in ('INSERT', 'UPDATE', 'DELETE')),
  changed_at timestamptz not null default clock_timestamp()
);
alter table backup.change enable row level security;
create index if not exists change_at on backup.change (changed_at);

create or replace view public.change_tracking with (security_invoker = true) as
  select table_name, record_id, operation, changed_at from backup.change;
comment on view public.change_tracking is 'Row changes of the tables given to backup.track_table().';
revoke all on public.change_tracking from public;

create or replace function backup.record_change()
returns trigger
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  v_id text;
begin
  select string_agg(v_row ->> key_column, ',' order by ordinal) into v_id
  from unnest(tg_argv) with ordinality as k(key_column, ordinal);
  insert into backup.change (table_name, record_id, operation)
  values (tg_table_schema || '.' || tg_table_name, v_id, tg_op);
  return null;
end
$$;
revoke all on function backup.record_change() from public;

create or replace function backup.track_table(p_table regclass)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_keys text;
begin
  select string_agg(quote_literal(a.attname), ', ' order by k.ordinal) into v_keys
  from pg_catalog.pg_index i
  cross join lateral unnest(i.indkey) with ordinality as k(attnum, ordinal)
  join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
  where i.indrelid = p_table and i.indisprimary;
  if v_keys is null then
    raise exception 'table % has no primary key', p_table
      using errcode = '42P16', hint = 'change_tracking names rows by their primary key.';
  end if;
  execute format('drop trigger if exists holdfast_record_change on %s', p_table);
  execute format(
    'create trigger holdfast_record_change after insert or update or delete on %s for each row execute function backup.record_change(%s)',
    p_table, v_keys);
end
$$;

create or replace function backup.untrack_table(p_table regclass)
returns void
language plpgsql
set search_path = ''
as $$
begin
  execute format('drop trigger if exists holdfast_record_change on %s', p_table);
end
$$;
