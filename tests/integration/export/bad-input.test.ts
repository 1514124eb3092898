/** Every wrong input ends in a clear error from the catalogue, the right exit code, and an empty store. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import getPort from 'get-port';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import {
  exportJson,
  filesIn,
  type Keyring,
  makeKeyring,
  runExport,
  temporaryDirectory,
  withSql,
} from './export-harness.ts';

let keys: Keyring;
let out: string;
let database: TestDatabase;
let env: Record<string, string>;

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'demo' });
  env = { DATABASE_URL: database.url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
});

after(async () => {
  await database.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

/** The JSON error, after a look that nothing was stored. */
// biome-ignore lint/suspicious/noExplicitAny: the tests look at whatever they are about
async function refused(args: string[], code: number, changed: Record<string, string | undefined> = {}): Promise<any> {
  const directory = join(out, 'refused');
  const result = await runExport([...args, '--out', directory, '--json'], { ...env, ...changed });
  assert.equal(result.code, code, result.stdout + result.stderr);
  assert.equal(result.stderr, '');
  assert.deepEqual(existsSync(directory) ? filesIn(directory) : [], []);
  const { error } = JSON.parse(result.stdout);
  for (const part of ['message', 'hint']) assert.ok(error[part].length > 10, part);
  return error;
}

test('unknown tables are all named', async () => {
  const error = await refused(['--mode', 'on-demand', '--tables', 'bookings,nowhere,auth.nobody'], 2);
  assert.equal(error.code, 'TABLE_UNKNOWN');
  assert.deepEqual(error.details.tables, ['public.nowhere', 'auth.nobody']);
});

test('a materialized view is not a table with rows of its own; beside tables it is named as left out', async () => {
  await withSql(database.adminUrl, (sql) =>
    sql
      .unsafe('create materialized view public.totals as select 1 as one; grant select on public.totals to public')
      .simple(),
  );
  const error = await refused(['--mode', 'on-demand', '--tables', 'totals,nowhere'], 2);
  assert.equal(error.code, 'TABLE_UNKNOWN');
  assert.match(
    error.message,
    /no such table: public\.nowhere; public\.totals is a materialized view, not a table with/,
  );
  assert.deepEqual(error.details.tables, ['public.nowhere', 'public.totals']);
  await refused(['--mode', 'on-demand', '--tables', 'totals'], 2);
  const made = await exportJson(['--mode', 'on-demand', '--tables', 'totals,bookings', '--out', out], env, 3);
  assert.deepEqual([made.tables, made.limits.map(({ code }: { code: string }) => code)], [1, ['MATERIALIZED_VIEW']]);
});

test('a condition on a column or table that is not there', async () => {
  const where = ['--where', 'bookings.colour=red', '--where', 'calendars.id=1'];
  const error = await refused(['--mode', 'on-demand', '--tables', 'bookings', ...where], 2);
  assert.equal(error.code, 'WHERE_INVALID');
  assert.equal(error.details.problems.length, 2);
});

test('a value that the column cannot have is the error of the server, with the table', async () => {
  const where = ['--where', "bookings.created_at>='; drop table bookings'"];
  const error = await refused(['--mode', 'on-demand', '--tables', 'bookings', ...where], 1);
  assert.equal(error.code, 'QUERY_FAILED');
  assert.match(error.message, /public\.bookings/);
});

test('unknown options, modes and values, together with broken configuration, are one list', async () => {
  const result = await runExport(
    ['--mode', 'fortnightly', '--format', 'xml', '--notify', 'admin@example.com', '--jobs', 'many', '--json'],
    {
      DATABASE_URL: 'mysql://root@localhost',
      BACKUP_S3_BUCKET: 'x',
      BACKUP_S3_ENDPOINT: 'not a url',
      BACKUP_PGP_PUBLIC_KEYS: 'garbage',
      BACKUP_SIGNING_KEY_FILE: '/nonexistent/key.asc',
    },
  );
  assert.equal(result.code, 2);
  const { error } = JSON.parse(result.stdout);
  assert.equal(error.code, 'CONFIG_INVALID');
  const all = error.details.problems.join('\n');
  const named = [
    '--mode',
    '--format',
    '--notify',
    '--jobs',
    'DATABASE_URL',
    'BACKUP_S3_BUCKET',
    'BACKUP_S3_ENDPOINT',
    'BACKUP_PGP_PUBLIC_KEYS',
    'BACKUP_S3_ACCESS_KEY_ID',
  ];
  for (const name of named) assert.match(all, new RegExp(name), `${name} in\n${all}`);
  assert.equal(error.message.includes('root'), false);
});

test('the same list for people, one problem a line', async () => {
  const { code, stdout, stderr } = await runExport(['--mode', 'full'], {});
  assert.equal(code, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: .*DATABASE_URL must be set/m);
  assert.match(stderr, /^hint: /m);
  assert.doesNotMatch(stderr, /\n\s+at /, 'no stack');
  const unknown = await runExport(['--mode', 'full', '--colour'], env);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error: unknown option '--colour'/);
});

test('no bucket and no directory', async () => {
  const { code, stderr } = await runExport(['--mode', 'full'], env);
  assert.equal(code, 2);
  assert.match(stderr, /a bucket must be given .* or --out/);
});

test('without a key nothing is exported unless --no-encrypt says so', async () => {
  const error = await refused(['--mode', 'full'], 2, { BACKUP_PGP_PUBLIC_KEYS: undefined });
  assert.equal(error.code, 'ENCRYPTION_REQUIRED');
  const asked = await refused(['--mode', 'full', '--encrypt'], 2, { BACKUP_PGP_PUBLIC_KEYS: undefined });
  assert.equal(asked.code, 'ENCRYPTION_REQUIRED');
  const made = await exportJson(['--mode', 'weekly', '--no-encrypt', '--out', out], { DATABASE_URL: database.url });
  assert.deepEqual(made.encrypted_to, []);
});

test('a key that has expired is refused, and one that soon will is warned of', async () => {
  const short = makeKeyring('Short <short@example.com>', 'seconds=2');
  const soon = makeKeyring('Soon <soon@example.com>', '10d');
  try {
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const error = await refused(['--mode', 'full'], 2, { BACKUP_PGP_PUBLIC_KEYS: short.publicKeys });
    assert.equal(error.code, 'KEY_UNUSABLE');
    assert.match(error.message, /expired/);
    const file = join(out, 'soon.asc');
    writeFileSync(file, soon.publicKeys);
    const made = await runExport(['--mode', 'weekly', '--out', out], {
      DATABASE_URL: database.url,
      BACKUP_PGP_PUBLIC_KEYS_FILE: file,
    });
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /^warning: the key .*soon@example\.com.* expires on/m);
    assert.match(made.stdout, /🔐 Encrypted with PGP key: Soon <soon@example.com>/);
  } finally {
    short.dispose();
    soon.dispose();
  }
});

test('a private key in place of the public one is refused without being shown', async () => {
  const armored = keys
    .gpg(['--pinentry-mode', 'loopback', '--passphrase', '', '--armor', '--export-secret-keys'])
    .toString();
  const error = await refused(['--mode', 'full'], 2, { BACKUP_PGP_PUBLIC_KEYS: armored });
  assert.equal(JSON.stringify(error).includes(armored.slice(100, 160)), false);
});

test('a database that is not there, does not answer, or does not know us', async () => {
  const port = await getPort();
  const gone = await refused(['--mode', 'full'], 4, { DATABASE_URL: `postgres://x:secret-word@127.0.0.1:${port}/x` });
  assert.equal(gone.code, 'DATABASE_UNREACHABLE');
  assert.equal(JSON.stringify(gone).includes('secret-word'), false);
  const wrong = new URL(database.url);
  wrong.password = 'secret-word';
  const denied = await refused(['--mode', 'full'], 4, { DATABASE_URL: wrong.toString() });
  assert.equal(denied.code, 'DATABASE_LOGIN_FAILED');
  assert.equal(JSON.stringify(denied).includes('secret-word'), false);
  const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port: silentPort } = silent.address() as { port: number };
  try {
    const url = `postgres://x@127.0.0.1:${silentPort}/x?connect_timeout=1`;
    assert.equal((await refused(['--mode', 'full'], 4, { DATABASE_URL: url })).code, 'DATABASE_UNREACHABLE');
  } finally {
    silent.close();
  }
});

test('the transaction pooler is refused before it is called', async () => {
  const url = 'postgres://postgres.ref:x@aws-0-eu.pooler.supabase.com:6543/postgres';
  const error = await refused(['--mode', 'full'], 2, { DATABASE_URL: url });
  assert.match(error.message, /session pooler/);
});

test('a directory that cannot be written', async () => {
  const file = join(out, 'a-file');
  writeFileSync(file, '');
  const { code, stdout } = await runExport(['--mode', 'full', '--out', join(file, 'below'), '--json'], env);
  assert.ok(code === 1 || code === 4, `${code}`);
  assert.ok(JSON.parse(stdout).error.code.startsWith('STORE_'), stdout);
});

test('a store that refuses is told of at once, also while a table is locked by somebody else', async () => {
  const file = join(out, 'also-no-directory');
  writeFileSync(file, '');
  await withSql(database.adminUrl, async (sql) => {
    await sql.begin(async (locker) => {
      await locker`lock table public.bookings in access exclusive mode`;
      const begun = Date.now();
      const result = await runExport(['--mode', 'full', '--out', file, '--json'], env);
      assert.equal(JSON.parse(result.stdout).error.code, 'STORE_REFUSED', result.stdout);
      assert.ok(Date.now() - begun < 45_000, 'the wait for a lock is a minute');
    });
    const [left] = await sql`
      select count(*)::int as sessions from pg_stat_activity
      where datname = current_database() and application_name like 'holdfast%'`;
    assert.equal(left!.sessions, 0);
  });
});

test('--help answers with examples, and --dry-run with a plan and an empty store', async () => {
  const help = await runExport(['--help'], {});
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Examples:[\s\S]*--mode weekly[\s\S]*Exit codes:/);
  const directory = join(out, 'dry');
  const plan = await exportJson(['--mode', 'weekly', '--dry-run', '--out', directory], env);
  assert.ok(plan.tables.some((table: { name: string }) => table.name === 'public.bookings'));
  assert.deepEqual(existsSync(directory) ? filesIn(directory) : [], []);
});
