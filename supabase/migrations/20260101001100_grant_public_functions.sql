-- Only the service role calls them through the API; operators use the backup-trigger function or SQL.
do $$
declare
  v_role text;
begin
  revoke all on all functions in schema backup from public;
  foreach v_role in array array['anon', 'authenticated'] loop
    if exists (select from pg_catalog.pg_roles where rolname = v_role) then
      execute format('revoke all on function public.create_manual_backup(text, uuid) from %I', v_role);
      execute format('revoke all on function public.test_backup_restoration(text) from %I', v_role);
      execute format('revoke all on public.change_tracking from %I', v_role);
    end if;
  end loop;
  if exists (select from pg_catalog.pg_roles where rolname = 'service_role') then
    grant execute on function public.create_manual_backup(text, uuid) to service_role;
    grant execute on function public.test_backup_restoration(text) to service_role;
    revoke all on public.change_tracking from service_role;
  end if;
end
$$;
