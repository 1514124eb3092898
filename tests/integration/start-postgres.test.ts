/** A local server starts, keeps its data, says why it cannot start, and ends when told. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import postgres from 'postgres';
import { installPlatform, urlOfRole } from '../../scripts/dev/stack/database/install-platform.ts';
import { type StartPostgresOptions, startPostgres } from '../../scripts/dev/stack/database/start-postgres.ts';
import { runningPostgres, stopPostgres } from '../../scripts/dev/stack/database/stop-postgres.ts';

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
const hasPgCron = existsSync('/usr/lib/postgresql/15/lib/pg_cron.so');

async function freshDirectory(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-start-'));
  await chmod(dir, 0o755);
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function start(t: TestContext, options: StartPostgresOptions) {
  const server = await startPostgres(options);
  t.after(() => server.stop({ remove: true }));
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 5 });
  }
}

test('a server listens on 127.0.0.1 only, never as root, and wants a password', async (t) => {
  const server = await start(t, { major: 17, dir: join(await freshDirectory(t), 'pg') });
  assert.deepEqual(await query(server.adminUrl, 'show listen_addresses'), [{ listen_addresses: '127.0.0.1' }]);
  const owner = spawnSync('ps', ['-o', 'user=', '-p', String(server.pid)], { encoding: 'utf8' });
  if (owner.status === 0) assert.notEqual(owner.stdout.trim(), 'root');
  await assert.rejects(query(urlOfRole(server.adminUrl, 'supabase_admin', 'guess'), 'select 1'), { code: '28P01' });
});

test('data outlives a stop, settings are kept to the letter, and ALTER SYSTEM overrides them', async (t) => {
  const dir = join(await freshDirectory(t), 'pg');
  const options: StartPostgresOptions = {
    major: 17,
    dir,
    settings: { 'holdfast.note': "it's # 'quoted'", work_mem: '7MB' },
  };
  const first = await startPostgres(options);
  await query(first.adminUrl, 'create table public.kept as select 42 as answer');
  await query(first.adminUrl, "alter system set work_mem = '9MB'");
  await first.stop();
  await first.stop();
  assert.equal(await runningPostgres(dir), undefined);
  const second = await start(t, options);
  assert.deepEqual(await query(second.adminUrl, 'select answer from public.kept'), [{ answer: 42 }]);
  assert.deepEqual(await query(second.adminUrl, 'show "holdfast.note"'), [{ 'holdfast.note': "it's # 'quoted'" }]);
  assert.deepEqual(await query(second.adminUrl, 'show work_mem'), [{ work_mem: '9MB' }]);
});

test('a server begins as a copy of a stopped one, and not of a running one', async (t) => {
  const dir = await freshDirectory(t);
  const original = await start(t, { major: 15, dir: join(dir, 'a') });
  await query(original.adminUrl, 'create table public.copied ()');
  await assert.rejects(
    startPostgres({ major: 15, dir: join(dir, 'b'), initdbFrom: join(dir, 'a') }),
    /while its server runs/,
  );
  await stopPostgres(join(dir, 'a'));
  const copy = await start(t, { major: 15, dir: join(dir, 'b'), initdbFrom: join(dir, 'a') });
  assert.equal((await query(copy.adminUrl, "select to_regclass('public.copied')::text as name"))[0]?.name, 'copied');
});

test('a taken port, a second start and an unknown setting are named as what they are', async (t) => {
  const dir = await freshDirectory(t);
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  t.after(() => taken.close());
  const port = (taken.address() as { port: number }).port;
  await assert.rejects(
    startPostgres({ major: 17, dir: join(dir, 'a'), port }),
    (error: { code: string; details: { log: string } }) => {
      assert.equal(error.code, 'POSTGRES_START_FAILED');
      assert.match(error.details.log, /Address already in use/);
      return true;
    },
  );
  await assert.rejects(
    startPostgres({ major: 17, dir: join(dir, 'b'), settings: { no_such_setting: '1' } }),
    (error: { details: { log: string } }) => {
      assert.match(error.details.log, /unrecognized configuration parameter "no_such_setting"/);
      return true;
    },
  );
  const running = await start(t, { major: 17, dir: join(dir, 'c') });
  await assert.rejects(startPostgres({ major: 17, dir: join(dir, 'c') }), /a server already runs on/);
  assert.equal((await runningPostgres(join(dir, 'c')))?.port, running.port);
});

test('binaries that are missing or of another version are refused before anything is made', async (t) => {
  const dir = join(await freshDirectory(t), 'pg');
  const code = 'POSTGRES_BINARIES_MISSING';
  await assert.rejects(startPostgres({ major: 17, dir, binDir: '/nowhere' }), { code });
  if (existsSync(DEBIAN_15)) await assert.rejects(startPostgres({ major: 17, dir, binDir: DEBIAN_15 }), { code });
  assert.equal(existsSync(dir), false);
});

test('a directory that only root may enter still gets a server', {
  skip: process.getuid?.() !== 0 && 'not root',
}, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-root-only-')); // mode 0700
  t.after(() => rm(dir, { recursive: true, force: true }));
  const server = await startPostgres({ major: 17, dir: join(dir, 'pg') });
  try {
    assert.deepEqual(await query(server.adminUrl, 'select 1 as one'), [{ one: 1 }]);
    assert.ok(!server.dataDir.startsWith(dir));
  } finally {
    await server.stop({ remove: true });
  }
  assert.equal(existsSync(server.dataDir), false);
});

test('the superuser password is readable by its owner alone and not in the log', async (t) => {
  const server = await start(t, { major: 17, dir: join(await freshDirectory(t), 'pg') });
  const password = new URL(server.adminUrl).password;
  const listing = spawnSync('ls', ['-l', join(server.logFile, '..', 'superuser-password')], {
    encoding: 'utf8',
  }).stdout;
  assert.match(listing, /^-rw-------/);
  assert.ok(!(await readFile(server.logFile, 'utf8')).includes(password));
});

test('the stand-in for pg_cron has the real tables, functions and privileges', {
  skip: !hasPgCron && 'postgresql-15-cron is not installed',
}, async (t) => {
  const server = await start(t, {
    major: 15,
    dir: join(await freshDirectory(t), 'pg'),
    binDir: DEBIAN_15,
    preload: ['pg_cron'],
    settings: { 'cron.database_name': 'postgres', 'cron.use_background_workers': 'on' },
  });
  await installPlatform(server.adminUrl, { cron: 'real' });
  await installPlatform(server.adminUrl, { cron: 'stand-in', databaseName: 'other' });
  const [real, standIn] = ['postgres', 'other'].map((name) =>
    urlOfRole(server.adminUrl, 'postgres', 'postgres').replace(/[^/]*$/, name),
  );
  const facts = [
    // Names of jobs were of type name before pg_cron 1.6, which the platform has.
    `select table_name, column_name, replace(data_type, 'name', 'text') as data_type, is_nullable from information_schema.columns
     where table_schema = 'cron' and table_name in ('job', 'job_run_details') order by 1, ordinal_position`,
    `select replace(p.oid::regprocedure::text, '(name)', '(text)') as name, p.prorettype::regtype::text as result,
       has_function_privilege('postgres', p.oid, 'execute') as allowed
     from pg_proc p where p.pronamespace = 'cron'::regnamespace
       and proname in ('schedule', 'unschedule', 'alter_job', 'schedule_in_database') order by 1`,
    `select c.relname, p.privilege, has_table_privilege('postgres', c.oid, p.privilege) as allowed
     from pg_class c, unnest('{select,insert,update,delete,trigger}'::text[]) as p(privilege)
     where c.relnamespace = 'cron'::regnamespace and c.relname in ('job', 'job_run_details') order by 1, 2`,
    `select tablename, policyname, qual from pg_policies where schemaname = 'cron' order by 1, 2`,
  ];
  for (const text of facts) assert.deepEqual(await query(standIn as string, text), await query(real as string, text));
  for (const url of [real, standIn] as string[]) {
    await assert.rejects(
      query(url, "select cron.schedule('bad', '61 * * * *', 'select 1')"),
      /invalid schedule: 61 \* \* \* \*/,
    );
    await assert.rejects(query(url, "select cron.unschedule('none')"), /could not find valid entry for job 'none'/);
    await query(url, "select cron.schedule('good', '*/10 * * * *', 'select 1')");
    assert.deepEqual(await query(url, "select cron.unschedule('good') as gone"), [{ gone: true }]);
  }
});
