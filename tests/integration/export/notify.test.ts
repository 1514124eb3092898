/** Whoever asked to be told is told, of success and of failure, and hears when that did not work. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { run, runExport, temporaryDirectory } from './export-harness.ts';

let out: string;
let database: TestDatabase;
let server: Server;
let env: Record<string, string>;
let status = 200;
// biome-ignore lint/suspicious/noExplicitAny: the tests look at whatever was sent
const received: any[] = [];

before(async () => {
  out = temporaryDirectory();
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
  const [key, cert] = [join(out, 'key.pem'), join(out, 'cert.pem')];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-days',
    '2',
    ...names,
  ]);
  server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push(JSON.parse(body));
    response.writeHead(status).end('thanks');
  }).listen(0);
  await once(server, 'listening');
  env = { DATABASE_URL: database.adminUrl, NODE_EXTRA_CA_CERTS: cert };
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await database.drop();
  rmSync(out, { recursive: true, force: true });
});

function options(): string[] {
  received.length = 0;
  const { port } = server.address() as AddressInfo;
  return [
    '--mode',
    'full',
    '--no-encrypt',
    '--out',
    join(out, 'store'),
    '--notify',
    `https://localhost:${port}/secret-path`,
  ];
}

test('a complete backup is told of, and the report names the host without the path', async () => {
  status = 200;
  const { code, stdout, stderr } = await runExport(options(), env);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^📧 Notification sent to: localhost:\d+$/m);
  assert.equal((stdout + stderr).includes('secret-path'), false);
  assert.equal(received.length, 1);
  assert.equal(received[0].status, 'completed');
  assert.match(received[0].backup_id, /^manual_/);
});

test('a webhook that refuses fails the script, but not the backup', async () => {
  status = 500;
  const text = await runExport(options(), env);
  assert.equal(text.code, 1);
  assert.match(text.stdout, /^✅ Full backup completed/);
  assert.match(
    text.stderr,
    /error: localhost:\d+ answered the notification with HTTP 500\nhint: The backup itself is complete/,
  );
  const json = await runExport([...options(), '--json'], env);
  assert.equal(json.code, 1);
  const { error } = JSON.parse(json.stdout);
  assert.equal(error.code, 'NOTIFICATION_FAILED');
  assert.equal(error.details.backup.status, 'completed');
});

test('a failed export is told of too', async () => {
  status = 200;
  const wrong = new URL(database.adminUrl);
  wrong.pathname = '/no_such_database';
  const { code } = await runExport(options(), { ...env, DATABASE_URL: wrong.toString() });
  assert.equal(code, 4);
  assert.equal(received[0].status, 'failed');
  assert.equal(received[0].error.code, 'DATABASE_LOGIN_FAILED');
});
