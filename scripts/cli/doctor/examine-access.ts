import { ok, problem } from './finding.ts';
import type { Examination } from './patient.ts';

/** Nobody but the owner gets at Holdfast's own tables and functions. */
export const access: Examination = {
  name: 'access',
  title: 'Grants and row level security',
  needs: 'installation',
  examine: async ({ sql }) => {
    const open = await sql!`
      select r.rolname as role from pg_catalog.pg_roles r
      where r.rolname in ('anon', 'authenticated', 'service_role')
        and pg_catalog.has_schema_privilege(r.oid, 'backup', 'usage')`;
    const bare = await sql!`
      select c.oid::regclass::text as name from pg_catalog.pg_class c
      where c.relkind in ('r', 'p') and not c.relrowsecurity and (
        c.relnamespace = 'backup'::regnamespace or c.oid in (
          to_regclass('public.backup_log'), to_regclass('public.backup_verification'), to_regclass('public.backup_tests'),
          to_regclass('public.security_events_log'), to_regclass('public.system_health_alerts')))`;
    const public_ = await sql!`
      select p.oid::regprocedure::text as name from pg_catalog.pg_proc p
      where p.pronamespace = 'backup'::regnamespace and exists (
        select from pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) as a
        where a.grantee = 0 and a.privilege_type = 'EXECUTE')`;
    return [
      open.length === 0
        ? ok('schema backup', 'no API role can use it')
        : problem(
            'schema backup',
            `roles that can use it: ${open.map((row) => row.role).join(', ')}`,
            `revoke all on schema backup from ${open.map((row) => row.role).join(', ')};`,
          ),
      bare.length === 0
        ? ok('row security', 'on for every table of ours')
        : problem(
            'row security',
            `off for ${bare.map((row) => row.name).join(', ')}`,
            bare.map((row) => `alter table ${row.name} enable row level security;`).join(' '),
          ),
      public_.length === 0
        ? ok('functions', 'none of the private ones may be called by everybody')
        : problem(
            'functions',
            `everybody may call ${public_.map((row) => row.name).join(', ')}`,
            'revoke all on all functions in schema backup from public;',
          ),
    ];
  },
};
