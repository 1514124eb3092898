import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigCronJob, ProjectConfig } from '../../../supabase/functions/_shared/domain/project-config.ts';
import type { Archive, TargetFacts } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { planConfig, readConfigOf } from '../../../supabase/functions/_shared/restore/restore-config.ts';
import { configRole } from '../../support/config-role.ts';

const ROLE = configRole('reader');

const JOB: ConfigCronJob = {
  name: 'nightly',
  schedule: '0 3 * * *',
  command: "select 'it''s', 'C:\\'",
  database: 'source',
  username: 'postgres',
  active: true,
  own: false,
};

const EMPTY: ProjectConfig = {
  format: 'holdfast-config',
  version: { major: 1, minor: 0 },
  database: 'source',
  server_version_num: 170006,
  supabase: true,
  roles: [],
  memberships: [],
  role_settings: [],
  database_settings: [],
  cron_jobs: [],
  publications: [],
  subscriptions: [],
  event_triggers: [],
  vault_secrets: [],
  extensions: [],
  replication_slots: [],
  foreign_servers: [],
  rls_probes: [],
  rls_probes_left_out: [],
  unreadable: [],
};

const PROJECT: TargetFacts = {
  database: 'tar"get',
  serverVersion: '17.6',
  serverVersionNum: 170006,
  encoding: 'UTF8',
  role: 'postgres',
  superuser: false,
  supabase: true,
  tables: [],
  managedTables: [],
  schemas: ['public', 'cron'],
  roles: ['postgres', 'anon', 'authenticated', 'authenticator', 'service_role', 'pg_read_all_data'],
  availableExtensions: ['pg_cron'],
};

const PLAIN_15 = { ...PROJECT, supabase: false, serverVersion: '15.18', serverVersionNum: 150018, role: 'owner' };

function plan(config: Partial<ProjectConfig>, target: Partial<TargetFacts> = {}, activate = false) {
  return planConfig({ ...EMPTY, ...config }, { target: { ...PROJECT, ...target }, activate });
}

test('a configuration without anything of the user plans nothing', () => {
  assert.deepEqual(plan({}), { roleSql: [], afterSql: [], heldBack: [], differences: [] });
});

test('a missing role is created only where it is missing, and without a password', () => {
  const { roleSql, differences } = plan({ roles: [{ ...ROLE, name: 'o"dd', login: true, connection_limit: 3 }] });
  assert.equal(roleSql.length, 1);
  assert.match(roleSql[0]!, /not exists \(select from pg_catalog\.pg_roles where rolname = ''o"dd''\)/);
  assert.match(roleSql[0]!, /create role "o""dd" with login inherit connection limit 3;/);
  assert.doesNotMatch(roleSql[0]!, /password/);
  assert.deepEqual(differences, [
    'role o"dd can log in but has no password: give it one with alter role "o""dd" password',
  ]);
});

test('a role that cannot log in stays so', () => {
  const { roleSql, differences } = plan({ roles: [ROLE] });
  assert.match(roleSql[0]!, /create role "reader" with nologin inherit;/);
  assert.deepEqual(differences, []);
});

test('a role that the target has, or that the platform makes, is not touched', () => {
  const roles = [ROLE, { ...ROLE, name: 'supabase_admin' }, { ...ROLE, name: 'cli_login_x' }];
  assert.deepEqual(plan({ roles }, { roles: [...PROJECT.roles, 'reader'] }).roleSql, []);
});

test('attributes that the restoring role may not give are left out and said', () => {
  const role = { ...ROLE, superuser: true, bypass_rls: true, replication: true, create_db: true };
  const { roleSql, differences } = planConfig({ ...EMPTY, roles: [role] }, { target: PLAIN_15, activate: false });
  assert.doesNotMatch(roleSql[0]!, /superuser|bypassrls|replication/);
  assert.match(roleSql[0]!, /alter role "reader" with createdb/);
  assert.deepEqual(differences, [
    'role reader is created without SUPERUSER: owner may not give it',
    'role reader is created without REPLICATION: owner may not give it',
    'role reader is created without BYPASSRLS: owner may not give it',
  ]);
});

test('a superuser gives every attribute', () => {
  const { roleSql, differences } = plan(
    { roles: [{ ...ROLE, superuser: true, bypass_rls: true }] },
    { superuser: true },
  );
  assert.match(roleSql[0]!, /alter role "reader" with superuser;[\s\S]*alter role "reader" with bypassrls;/);
  assert.deepEqual(differences, []);
});

test('memberships keep their options where the target knows them', () => {
  const memberships = [
    { role: 'anon', member: 'reader', admin_option: true, inherit_option: false, set_option: true },
    { role: 'reader', member: 'gone', admin_option: false, inherit_option: null, set_option: null },
  ];
  const modern = plan({ roles: [ROLE], memberships });
  assert.match(modern.roleSql[0]!, /grant "anon" to "reader" with admin true, inherit false, set true;/);
  assert.deepEqual(modern.differences, ['role gone is no member of reader: the target has no role gone']);
  const older = plan({ roles: [ROLE], memberships }, PLAIN_15);
  assert.match(older.roleSql[0]!, /grant "anon" to "reader" with admin option;/);
  assert.doesNotMatch(older.roleSql[0]!, /inherit false/);
});

test('on a server that is no Supabase project, roles that were there are not made members of each other', () => {
  const memberships = [{ role: 'a', member: 'b', admin_option: false, inherit_option: true, set_option: true }];
  const both = [
    { ...ROLE, name: 'a' },
    { ...ROLE, name: 'b' },
  ];
  const { roleSql } = plan({ roles: both, memberships }, { ...PLAIN_15, roles: ['a', 'b'] });
  assert.match(roleSql[0]!, /if created && array\[''a'', ''b''\]::text\[\] then/);
});

test('a list setting is quoted name by name, any other as one value', () => {
  const role_settings = [
    { role: 'reader', in_database: false, name: 'search_path', value: '"$user", "a""b, c", public' },
    { role: 'reader', in_database: true, name: 'app.note', value: "it's, one" },
  ];
  const { roleSql, afterSql } = plan({ roles: [ROLE], role_settings });
  assert.match(roleSql[0]!, /alter role "reader" set "search_path" to ''\$user'', ''a"b, c'', ''public'';/);
  assert.equal(afterSql.length, 1);
  assert.match(afterSql[0]!, /alter role "reader" in database "tar""get" set "app\.note" to ''it''''s, one'';/);
});

test("of the platform's roles only the settings that the Supabase CLI restores are set, in a Supabase project", () => {
  const role_settings = [
    { role: 'authenticator', in_database: false, name: 'pgrst.db_schemas', value: 'public, api' },
    { role: 'authenticator', in_database: false, name: 'lock_timeout', value: '8s' },
  ];
  const { afterSql, differences } = plan({ role_settings });
  assert.equal(afterSql.length, 1);
  assert.match(afterSql[0]!, /alter role "authenticator" set "pgrst\.db_schemas" to ''public, api''/);
  assert.deepEqual(differences, [
    "settings of the platform's roles stay as the target has them: authenticator lock_timeout",
  ]);
  assert.deepEqual(plan({ role_settings }, { supabase: false }).afterSql, []);
});

test('settings of the database go to the target, whatever its name; secrets and settings of all roles are only said', () => {
  const { afterSql, differences } = plan({
    database_settings: [
      { name: 'app.settings.jwt_exp', value: '3600' },
      { name: 'app.settings.jwt_secret', value: null },
    ],
    role_settings: [{ role: null, in_database: false, name: 'work_mem', value: '8MB' }],
  });
  assert.equal(afterSql.length, 1);
  assert.match(afterSql[0]!, /alter database "tar""get" set "app\.settings\.jwt_exp" to ''3600''/);
  assert.deepEqual(differences, [
    'setting app.settings.jwt_exp of the database is left out if postgres may not set it: look at pg_db_role_setting',
    'setting app.settings.jwt_secret of the database is a secret by its name, so the backup does not have it: set it again',
    "setting work_mem of all roles (ALTER ROLE ALL) is the server's, and is not set",
  ]);
});

test("cron jobs are held back, Holdfast's own are not listed", () => {
  const own = { ...JOB, name: 'holdfast-tick', command: 'select backup.tick()', own: true };
  const { heldBack, afterSql } = plan({ cron_jobs: [own, JOB] });
  assert.deepEqual(afterSql, []);
  assert.equal(heldBack.length, 1);
  assert.equal(heldBack[0]!.kind, 'cron-job');
  assert.equal(heldBack[0]!.name, 'nightly');
  assert.equal(
    heldBack[0]!.activateSql,
    "select cron.schedule('nightly', '0 3 * * *', E'select ''it''''s'', ''C:\\\\''')",
  );
});

test('a job that was off is scheduled and switched off; one without a name is not scheduled twice', () => {
  const { heldBack } = plan({
    cron_jobs: [
      { ...JOB, active: false },
      { ...JOB, name: null, command: 'select 1' },
    ],
  });
  assert.match(heldBack[0]!.activateSql, /^select cron\.alter_job\(cron\.schedule\(.*\), active := false\)$/);
  assert.match(
    heldBack[1]!.activateSql,
    /^select cron\.schedule\('0 3 \* \* \*', 'select 1'\) where not exists \(select from cron\.job/,
  );
});

test('jobs of another role or database', () => {
  const cron_jobs = [
    { ...JOB, username: 'worker' },
    { ...JOB, name: 'far', database: 'other' },
  ];
  const { heldBack, differences } = plan({ cron_jobs });
  assert.deepEqual(differences, ['cron job nightly ran as role worker, and will run as the role that activates it']);
  assert.match(heldBack[0]!.activateSql, /^select cron\.schedule\('nightly'/);
  assert.match(heldBack[1]!.activateSql, /cron\.schedule_in_database\('far', .*, 'other', current_user::text, true\)$/);
  const asSuperuser = plan({ cron_jobs }, { superuser: true, roles: [...PROJECT.roles, 'worker'] });
  assert.match(
    asSuperuser.heldBack[0]!.activateSql,
    /schedule_in_database\('nightly', .*, 'tar"get', 'worker', true\)$/,
  );
  assert.deepEqual(asSuperuser.differences, []);
});

test('activating schedules the jobs at the end and holds nothing back', () => {
  const { heldBack, afterSql } = plan({ cron_jobs: [JOB] }, {}, true);
  assert.deepEqual(heldBack, []);
  assert.match(afterSql.at(-1)!, /^select cron\.schedule\('nightly'/);
});

test('a target without pg_cron gets no jobs, and that is said', () => {
  const { heldBack, differences } = plan({ cron_jobs: [JOB] }, { schemas: ['public'], availableExtensions: [] });
  assert.deepEqual(heldBack, []);
  assert.deepEqual(differences, ['cron jobs are left out, because the target has no pg_cron: nightly']);
});

test('what no restore can bring is named', () => {
  const { differences } = plan({
    vault_secrets: [{ name: 'stripe', description: 'signs webhooks' }],
    subscriptions: [{ name: 'feed', enabled: true, slot: 'feed', publications: ['p1', 'p2'] }],
    replication_slots: [{ name: 'cdc', plugin: 'pgoutput' }],
    foreign_servers: [{ name: 'crm', wrapper: 'postgres_fdw', owner: 'postgres', user_mappings: ['app'] }],
    unreadable: [{ what: 'cron_jobs', reason: 'permission denied (SQLSTATE 42501)' }],
  });
  assert.deepEqual(differences, [
    'vault secret stripe (signs webhooks) must be created again: its value is not in the backup',
    'subscription feed to p1, p2 must be created again: its connection string is not in the backup',
    'replication slot cdc (pgoutput) is not restored: whoever read from it begins anew',
    'foreign server crm: look at the options of its user mappings (app), which may lack passwords',
    'cron jobs of the source could not be read: permission denied (SQLSTATE 42501)',
  ]);
});

function archiveOf(content: unknown, kind = 'config'): Archive {
  const path = 'config/database.json';
  const bytes = new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
  const read = async function* () {
    for (let at = 0; at < bytes.length; at += 7) yield bytes.subarray(at, at + 7);
  };
  return {
    location: 'memory',
    manifest: { objects: [{ path, kind }] },
    signedBy: null,
    read,
    readStored: read,
  } as never;
}

test('the configuration is read from the object of its kind', async () => {
  assert.deepEqual(await readConfigOf(archiveOf(EMPTY)), EMPTY);
  assert.equal(await readConfigOf(archiveOf(EMPTY, 'tool')), null);
});

test('a newer minor is read, a newer major and what is no configuration are refused', async () => {
  const newer = { ...EMPTY, version: { major: 1, minor: 9 }, added: true };
  assert.equal((await readConfigOf(archiveOf(newer)))?.version.minor, 9);
  await assert.rejects(readConfigOf(archiveOf({ ...EMPTY, version: { major: 2 } })), { code: 'MANIFEST_TOO_NEW' });
  await assert.rejects(readConfigOf(archiveOf({ ...EMPTY, roles: [{}] })), {
    code: 'ARCHIVE_DAMAGED',
    message: /roles\.0/,
  });
  await assert.rejects(readConfigOf(archiveOf('{')), { code: 'ARCHIVE_DAMAGED' });
  await assert.rejects(readConfigOf(archiveOf('null')), { code: 'ARCHIVE_DAMAGED' });
});
