import type { HealthCheck } from '../contracts.ts';
import { healthy, unhealthy } from '../verdicts.ts';

const TODO =
  'Take it back: revoke all on schema backup from anon, authenticated, service_role; alter table … enable row level security; revoke execute on the function from anon, authenticated. Then find the migration that granted it.';

/** No API role reaches the schema backup, row level security is on for every table of ours, and strangers start nothing. */
export const ownPermissions: HealthCheck = {
  name: 'own_permissions',
  title: 'Access to the backup tables',
  category: 'security',
  unit: 'problems',
  async run({ sql }) {
    const rows = await sql`
      with api as (select rolname from pg_catalog.pg_roles where rolname in ('anon', 'authenticated', 'service_role')),
      ours as (
        select c.oid, c.oid::regclass::text as name, c.relrowsecurity, n.nspname
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and (n.nspname = 'backup' or (n.nspname = 'public' and c.relname in
          ('backup_log', 'backup_verification', 'backup_tests', 'security_events_log', 'system_health_alerts')))
      )
      select rolname || ' may use the schema backup' as problem from api
        where pg_catalog.has_schema_privilege(rolname, 'backup', 'usage')
      union all
      select rolname || ' has a privilege on ' || name from api, ours
        where nspname = 'backup' and pg_catalog.has_table_privilege(rolname, oid, 'select, insert, update, delete, truncate')
      union all
      select 'row level security is off on ' || name from ours where not relrowsecurity
      union all
      select rolname || ' may call ' || p.oid::regprocedure::text
      from api, pg_catalog.pg_proc p
      where rolname in ('anon', 'authenticated') and p.pronamespace = 'public'::regnamespace
        and p.proname in ('create_manual_backup', 'test_backup_restoration') and p.prosecdef
        and pg_catalog.has_function_privilege(rolname, p.oid, 'execute')
      order by 1`;
    if (rows.length === 0) return healthy({ detail: 'no API role reaches them', value: 0, threshold: 0 });
    const items = rows.slice(0, 20).map(({ problem }) => {
      return { name: problem, state: 'unhealthy' as const, value: null, threshold: null, detail: problem };
    });
    const more = rows.length > 1 ? `, and ${rows.length - 1} more` : '';
    const facts = { detail: `${rows[0]!.problem}${more}`, value: rows.length, threshold: 0, items };
    return unhealthy('critical', { ...facts, todo: TODO });
  },
};
