/** backup-trigger as it is deployed: its own entry file and deno.json, on the edge runtime's Deno with its permissions. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import getPort from 'get-port';
import { findFunctions } from '../../scripts/dev/stack/function-catalog.ts';
import { FunctionProcess } from '../../scripts/dev/stack/function-process.ts';
import { REPOSITORY } from '../../scripts/dev/stack/repository.ts';
import { createTestDatabase, type TestDatabase } from '../support/template-database.ts';

const NO_LIMITS = { wallMs: 600_000, softCpuMs: 0, maxRequests: 0 };
const SERVICE_KEY = 'sb_secret_of_the_deno_test';
const cleanups: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
});

let database: TestDatabase | undefined;
async function databaseUrl(): Promise<string> {
  if (!database) {
    const made = await createTestDatabase({ major: 17, template: 'holdfast' });
    database = made;
    cleanups.push(() => made.drop());
  }
  return database.url;
}

interface Edge {
  readonly url: string;
  readonly log: string[];
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

async function boot(env: Record<string, string>): Promise<Edge> {
  const denoDir = await mkdtemp(join(tmpdir(), 'holdfast-deno-'));
  cleanups.push(() => rm(denoDir, { recursive: true, force: true }));
  const edgeFunction = (await findFunctions(join(REPOSITORY, 'supabase'))).find(
    ({ name }) => name === 'backup-trigger',
  );
  assert.ok(edgeFunction?.configFile);
  const log: string[] = [];
  const isolate = new FunctionProcess(edgeFunction, {
    limits: NO_LIMITS,
    env,
    denoDir,
    writeLog: (text) => log.push(text),
    onChange: () => undefined,
  });
  cleanups.push(() => isolate.end());
  await isolate.ready.catch((error) => assert.fail(`${error.message}\n${log.join('')}`));
  const url = `http://127.0.0.1:${isolate.port}`;
  return { url, log, get: (path, headers = {}) => fetch(url + path, { headers }) };
}

async function goodEnvironment(): Promise<Record<string, string>> {
  return {
    SUPABASE_URL: `http://127.0.0.1:${await getPort()}`,
    SUPABASE_DB_URL: `${await databaseUrl()}?sslmode=disable`,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SERVICE_KEY }),
    BACKUP_S3_ENDPOINT: `http://127.0.0.1:${await getPort()}`,
    BACKUP_S3_REGION: 'us-east-1',
    BACKUP_S3_BUCKET: 'backups',
    BACKUP_S3_ACCESS_KEY_ID: 'id-of-the-deno-test',
    BACKUP_S3_SECRET_ACCESS_KEY: 'secret-of-the-deno-test',
    BACKUP_ALLOW_UNENCRYPTED: 'true',
  };
}

test('on the edge runtime the function answers operators and refuses strangers', async () => {
  const edge = await boot(await goodEnvironment());
  const list = await edge.get('/backup-trigger/backups', { apikey: SERVICE_KEY });
  assert.equal(list.status, 200, await list.clone().text());
  assert.deepEqual(await list.json(), { backups: [], next_cursor: null });
  assert.equal((await edge.get('/backup-trigger/openapi.json', { apikey: SERVICE_KEY })).status, 200);
  const stranger = await edge.get('/backup-trigger/backups');
  assert.equal(stranger.status, 401);
  assert.equal(stranger.headers.get('cache-control'), 'no-store');
  await stranger.body?.cancel();
  // The Auth server of this environment is down: nobody gets in, and the answer says why.
  const user = await edge.get('/backup-trigger/backups', { authorization: 'Bearer e30.e30.c2ln' });
  assert.equal(user.status, 503);
  assert.equal((await user.json()).error.code, 'AUTH_UNREACHABLE');
  const unknown = await fetch(`${edge.url}/backup-trigger`, {
    method: 'POST',
    headers: { apikey: SERVICE_KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ scope: 'tables', tables: ['nothing'], cadence: 'manual', reason: 'test' }),
  });
  assert.equal(unknown.status, 400);
  assert.equal((await unknown.json()).error.code, 'TABLE_UNKNOWN');
  assert.doesNotMatch(edge.log.join(''), new RegExp(`${SERVICE_KEY}|secret-of-the-deno-test`));
});

test('a body of 2 MB in chunks is refused before it has all been sent', async () => {
  const edge = await boot(await goodEnvironment());
  const answer = await new Promise<{ status?: number; sent: number }>((resolve, reject) => {
    let sent = 0;
    const headers = { apikey: SERVICE_KEY, 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const outgoing = httpRequest(`${edge.url}/backup-trigger`, { method: 'POST', headers }, (response) => {
      resolve({ status: response.statusCode, sent });
      outgoing.destroy();
    });
    outgoing.on('error', reject);
    const timer = setInterval(() => {
      if (outgoing.destroyed || sent >= 2_000_000) return clearInterval(timer);
      sent += 20_000;
      outgoing.write('x'.repeat(20_000));
    }, 5);
    outgoing.on('close', () => clearInterval(timer));
  });
  assert.equal(answer.status, 413);
  assert.ok(answer.sent < 2_000_000, `${answer.sent} bytes were sent`);
});

test('a broken configuration is one answer with every variable and no value, and the function boots', async () => {
  const edge = await boot({ SUPABASE_URL: 'not-a-url-at-all', BACKUP_S3_BUCKET: 'Bad_Bucket!' });
  const response = await edge.get('/backup-trigger/backups');
  const text = await response.text();
  assert.equal(response.status, 500);
  assert.equal(JSON.parse(text).error.code, 'CONFIG_INVALID');
  for (const name of [
    'SUPABASE_URL',
    'SUPABASE_DB_URL',
    'SUPABASE_SERVICE_ROLE_KEY',
    'BACKUP_S3_BUCKET',
    'BACKUP_PGP_PUBLIC_KEYS',
  ]) {
    assert.match(text, new RegExp(name));
  }
  assert.doesNotMatch(text, /not-a-url-at-all|Bad_Bucket/);
});

test('a database that is down is 503, and a missing schema says which migrations to apply', async () => {
  const environment = await goodEnvironment();
  const down = await boot({
    ...environment,
    SUPABASE_DB_URL: `postgresql://postgres:x@127.0.0.1:${await getPort()}/postgres?sslmode=disable`,
  });
  const response = await down.get('/backup-trigger/backups', { apikey: SERVICE_KEY });
  assert.equal(response.status, 503, await response.clone().text());
  assert.equal((await response.json()).error.code, 'DATABASE_UNREACHABLE');
  const bare = await createTestDatabase({ major: 17, template: 'supabase' });
  cleanups.splice(0, 0, () => bare.drop());
  const empty = await boot({ ...environment, SUPABASE_DB_URL: `${bare.url}?sslmode=disable` });
  const missing = await empty.get('/backup-trigger/backups', { apikey: SERVICE_KEY });
  assert.equal(missing.status, 500);
  assert.equal((await missing.json()).error.code, 'MIGRATIONS_MISSING');
});
