/** Logins as a server can ask for them, over TLS and without, on a server of our own; the same from Deno 2.1.4. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { type RunningPostgres, startPostgres } from '../../../scripts/dev/stack/database/start-postgres.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { pgDump } from '../../../supabase/functions/_shared/postgres/pg-dump.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';

const PASSWORD = 'pä ss\u00a0ﬁ%@:/';
const major = POSTGRES_MAJORS[0]!;
let directory = '';
let server: RunningPostgres;

const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });

function makeCertificates(): void {
  const ca = [
    'req',
    '-new',
    '-x509',
    '-days',
    '2',
    '-nodes',
    '-subj',
    '/CN=test CA',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  ];
  openssl(...ca);
  openssl('req', '-new', '-nodes', '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  writeFileSync(join(directory, 'names'), 'subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n');
  const sign = [
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
  ];
  openssl(...sign, '-extfile', 'names', '-out', 'server.crt');
}

/** PostgreSQL takes a key only from its own account, readable by nobody else. */
function install(name: string, text: string | Buffer): void {
  const path = join(server.dataDir, name);
  const { uid, gid } = statSync(server.dataDir);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  chownSync(path, uid, gid);
}

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-login-'));
  chmodSync(directory, 0o755);
  makeCertificates();
  server = await startPostgres({ major, dir: join(directory, 'server') });
  const admin = await openSession(nodePlatform, server.adminUrl);
  for (const name of ['server.key', 'server.crt']) install(name, readFileSync(join(directory, name)));
  await admin.query('alter system set ssl = on');
  const quoted = `'${PASSWORD}'`;
  for (const user of ['scram', 'clear', 'tlsonly']) await admin.query(`create role ${user} login password ${quoted}`);
  await admin.query('create role trusted login; create role nobody_may login');
  await admin.query(`set password_encryption = 'md5'; create role hashed login password ${quoted}`);
  const rules = [
    'host all scram all scram-sha-256',
    'host all clear all password',
    'host all hashed all md5',
    'host all trusted all trust',
    'hostssl all tlsonly all scram-sha-256',
    'host all supabase_admin all scram-sha-256',
    `host all ${new URL(server.adminUrl).username} all scram-sha-256`,
  ];
  install('pg_hba.conf', `${rules.join('\n')}\n`);
  await admin.query('select pg_reload_conf()');
  await admin.close();
});

after(async () => {
  await server?.stop({ remove: true });
  rmSync(directory, { recursive: true, force: true });
});

const ca = () => readFileSync(join(directory, 'ca.pem'), 'utf8');
const url = (user: string, query = '', password = PASSWORD) =>
  `postgres://${user}:${encodeURIComponent(password)}@localhost:${server.port}/postgres${query}`;

async function encrypted(user: string, query: string, certificates: string[] = []): Promise<string> {
  const session = await openSession(nodePlatform, url(user, query), { caCertificates: certificates });
  const [row] = await session.query('select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()');
  await session.close();
  assert.equal(row![0], user);
  return row![1]!;
}

for (const user of ['scram', 'clear', 'hashed', 'trusted']) {
  test(`user ${user} logs in over TLS and without`, async () => {
    assert.equal(await encrypted(user, '?sslmode=disable'), 'f');
    assert.equal(await encrypted(user, ''), 't');
    assert.equal(await encrypted(user, '?sslmode=require'), 't');
    assert.equal(await encrypted(user, '?sslmode=verify-full', [ca()]), 't');
  });
}

test('a wrong password, none, an unknown user and a rule against are DATABASE_LOGIN_FAILED without the password', async () => {
  for (const refused of [
    url('scram', '', 'not it'),
    url('hashed', '', 'not it'),
    url('clear', '', 'not it'),
    url('scram', '', ''),
    url('missing'),
    url('nobody_may'),
    url('tlsonly', '?sslmode=disable'),
  ]) {
    await assert.rejects(openSession(nodePlatform, refused), (error: Error & { code: string }) => {
      assert.equal(error.code, 'DATABASE_LOGIN_FAILED', error.message);
      assert.ok(!error.message.includes('not it') && !error.message.includes(PASSWORD));
      return true;
    });
  }
});

test('verify-full refuses a certificate of an unknown authority and one for another name', async () => {
  await assert.rejects(encrypted('scram', '?sslmode=verify-full'), { code: 'DATABASE_TLS_FAILED' });
  const elsewhere = url('scram', '?sslmode=verify-full').replace('@localhost', '@127.0.0.1');
  await assert.rejects(openSession(nodePlatform, elsewhere, { caCertificates: [ca()] }), {
    code: 'DATABASE_TLS_FAILED',
  });
});

test('pg_dump and the driver log in over TLS with SCRAM too', async () => {
  let dump = '';
  const certificates = { caCertificates: [ca()] };
  const { parseConnectionUrl } = await import('../../../supabase/functions/_shared/postgres/connection-url.ts');
  const to = parseConnectionUrl(url('tlsonly', '?sslmode=verify-full'), [ca()]);
  await pgDump(nodePlatform, to, { args: ['--schema-only'], onData: (bytes) => (dump += Buffer.from(bytes)) });
  assert.match(dump, /PostgreSQL database dump complete/);
  const sql = openDriver(url('tlsonly', '?sslmode=verify-full'), { ...certificates, platform: nodePlatform });
  assert.equal((await sql`select ssl from pg_stat_ssl where pid = pg_backend_pid()`)[0]!.ssl, true);
  await sql.end();
});

test('Deno 2.1.4 logs in, copies, dumps and queries over TLS as Node does', { timeout: 240_000 }, async () => {
  const root = new URL('../../../', import.meta.url).pathname;
  const run = promisify(execFile);
  const args = [
    'run',
    '--config',
    'deno.json',
    '--no-remote',
    '--cached-only',
    '--allow-net',
    '--allow-env',
    '--allow-read',
  ];
  const { stdout } = await run('node_modules/.bin/deno', [...args, 'tests/integration/postgres/deno-session.mts'], {
    cwd: root,
    env: { ...process.env, TEST_URL: url('tlsonly', '?sslmode=verify-full'), TEST_CA: ca(), NO_COLOR: '1' },
  });
  assert.deepEqual(JSON.parse(stdout), {
    ssl: [['t']],
    bytes: 6_888_896,
    rows: 1_000_000,
    dumped: true,
    driver: 42,
    untrusted: 'DATABASE_TLS_FAILED',
    missing: 'DATABASE_UNREACHABLE',
  });
});
