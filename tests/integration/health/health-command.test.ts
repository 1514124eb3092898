/** npm run backup:health: exit codes of monitoring plugins, a table for people, JSON for scripts. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import getPort from 'get-port';
import type { Sql } from 'postgres';
import { makeReport } from '../../../supabase/functions/_shared/monitor/make-report.ts';
import { runScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { makeKeyring } from '../export/export-harness.ts';
import { openAs, setThreshold } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

const health = (args: string[], env: Record<string, string> = {}) =>
  runScript('health.ts', args, { DATABASE_URL: database.url, ...env });

test('healthy is 0, a warning 1, an emergency 2, and what cannot be known 3', async () => {
  const ok = await health(['--check', 'own_permissions']);
  assert.deepEqual([ok.code, ok.stderr], [0, '']);
  assert.match(ok.stdout, /^OK: 1 healthy/);
  await setThreshold(sql, 'database_percent', 0.001);
  const warning = await health(['--check', 'database_size', '--check', 'own_permissions']);
  assert.equal(warning.code, 1);
  assert.match(warning.stdout, /^WARNING: 1 healthy, 1 unhealthy, 0 inconclusive \(database_size\)/);
  const critical = await health([]);
  assert.equal(critical.code, 2);
  assert.match(critical.stdout, /^CRITICAL: [\s\S]*\nlast_backup: there is no completed full backup\n {2}Take one now/);
  const unknown = await health(['--check', 'key_expiry']);
  assert.equal(unknown.code, 3);
  assert.match(unknown.stdout, /^UNKNOWN: /);
});

test('a bad option, an unknown check, a missing or unreachable database are unknown, and say what is wrong', async () => {
  const cases: [string[], Record<string, string>, RegExp][] = [
    [['--nonsense'], {}, /unknown option/],
    [['--check', 'backups'], {}, /there is no check 'backups', only pg_cron, /],
    [[], { DATABASE_URL: '' }, /DATABASE_URL must be set/],
    [[], { BACKUP_PGP_PUBLIC_KEYS_FILE: '/no/such/file' }, /BACKUP_PGP_PUBLIC_KEYS_FILE must be a file/],
    [
      [],
      { DATABASE_URL: `postgres://postgres:hush@127.0.0.1:${await getPort()}/x?sslmode=disable` },
      /cannot be reached/,
    ],
  ];
  for (const [args, env, message] of cases) {
    const { code, stdout, stderr } = await health(args, env);
    assert.deepEqual([code, stdout], [3, ''], stderr);
    assert.match(stderr, message);
    assert.match(stderr, /hint: /);
    assert.doesNotMatch(stderr, /hush/);
  }
});

test('a database without the migrations is told to apply them', async () => {
  const bare = await createTestDatabase({ major: 17, template: 'supabase' });
  try {
    const { code, stdout } = await health(['--json'], { DATABASE_URL: bare.url });
    assert.equal(code, 3);
    assert.equal(JSON.parse(stdout).error.code, 'MIGRATIONS_MISSING');
  } finally {
    await bare.drop();
  }
});

test('--json is one object that says the same, and --help has examples', async () => {
  const { code, stdout, stderr } = await health(['--json']);
  assert.deepEqual([code, stderr], [2, '']);
  const report = JSON.parse(stdout);
  assert.deepEqual([report.state, report.severity], ['unhealthy', 'critical']);
  const last = report.checks.find(({ name }: { name: string }) => name === 'last_backup');
  assert.equal(last.threshold, 25);
  assert.ok(last.problem_since && last.since && last.todo);
  const help = await health(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Examples:[\s\S]*Exit codes/);
});

test('an operator without keys, or with old ones, changes nothing of what the functions found, and is no sign of life', async () => {
  await sql`delete from backup.heartbeat where name = 'evaluation'`;
  const keys = makeKeyring('Soon <soon@example.com>', '5d');
  try {
    await makeReport({ sql, publicKeys: keys.publicKeys }); // as the function does
    const [before] = await sql`select * from backup.health_state where check_name = 'key_expiry'`;
    assert.equal(before!.state, 'unhealthy');
    const beats = () => sql`select at from backup.heartbeat where name = 'evaluation'`;
    const [beat] = await beats();
    const said = async (env: Record<string, string>, args: string[] = []) => {
      const { stdout } = await health(['--json', ...args], env);
      const { checks } = JSON.parse(stdout) as { checks: { name: string; state: string; detail: string }[] };
      return checks.find(({ name }) => name === 'key_expiry')!;
    };
    assert.equal((await said({})).state, 'inconclusive');
    assert.equal((await said({}, ['--check', 'key_expiry'])).state, 'inconclusive');
    assert.equal((await said({ BACKUP_PGP_PUBLIC_KEYS: 'not a key' })).state, 'unhealthy', 'it is reported');
    assert.deepEqual([...(await sql`select * from backup.health_state where check_name = 'key_expiry'`)], [before]);
    assert.deepEqual([...(await beats())], [beat]);
    const [seen] =
      await sql`select last_seen > ${before!.last_seen} as later from backup.health_state where check_name = 'last_backup'`;
    assert.equal(seen!.later, true, 'what the database says of itself is recorded');
  } finally {
    keys.dispose();
  }
});
