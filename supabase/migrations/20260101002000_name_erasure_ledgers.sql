-- Two databases that write one erasure ledger (a staging project with the prefix of production) would each erase by the
-- entries of the other after a restore, and give its places twice. So entries say which database wrote them.

-- Of this very database: a copy of it elsewhere, restored or cloned, is another one and gets an id of its own.
create or replace function backup.erasure_ledger_id()
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_database text;
  v_value jsonb;
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure_ledger', 0));
  begin
    select s.system_identifier || '/' into v_database from pg_catalog.pg_control_system() s;
  exception when insufficient_privilege then
    v_database := '/';
  end;
  select v_database || d.oid into v_database from pg_catalog.pg_database d where d.datname = current_database();
  select s.value into v_value from backup.setting s where s.name = 'erasure_ledger';
  if v_value ->> 'database' is distinct from v_database then
    v_value := coalesce(v_value, '{"taken_over": []}')
      || jsonb_build_object('id', pg_catalog.gen_random_uuid(), 'database', v_database);
    insert into backup.setting (name, value) values ('erasure_ledger', v_value)
    on conflict (name) do update set value = excluded.value, updated_at = clock_timestamp();
  end if;
  return (v_value ->> 'id')::uuid;
end
$$;

-- What an operator says when this database has taken the place of the one that wrote the ledger until now. That one is
-- refused from this database's first entry on. May be called again.
create or replace function backup.take_over_erasure_ledger(p_ledger uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_ledger is null or p_ledger = backup.erasure_ledger_id() then
    return;
  end if;
  update backup.setting
  set value = jsonb_set(value, '{taken_over}', (value -> 'taken_over') || to_jsonb(p_ledger)), updated_at = clock_timestamp()
  where name = 'erasure_ledger' and not (value -> 'taken_over') ? p_ledger::text;
  if found then
    insert into public.security_events_log (event_type, event_category, severity, event_data)
    values ('erasure_ledger_taken_over', 'data_access', 'high', jsonb_build_object('ledger_id', p_ledger, 'by', session_user));
  end if;
end
$$;

-- An entry whose place another database has taken in the store: it claims what was not done, and goes. False, and nothing
-- happens, where something was erased already or where a later entry is chained to it.
create or replace function backup.withdraw_ledger_entry(p_erasure uuid)
returns boolean
language plpgsql
set search_path = ''
as $$
begin
  perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('holdfast.erasure_ledger', 0));
  update backup.erasure e
  set position = null, entry = null, entry_sha256 = null, stored_at = null
  where e.erasure_id = p_erasure and e.stored_at is null and e.files_erased_at is null and e.rows_erased_at is null
    and e.position = (select max(l.position) from backup.erasure l);
  return found;
end
$$;
