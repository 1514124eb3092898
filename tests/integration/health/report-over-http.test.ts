/** database-health-monitor as it is deployed: its own entry file and deno.json, on the edge runtime's Deno. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import getPort from 'get-port';
import type { Sql } from 'postgres';
import { makeApiKeys } from '../../../scripts/dev/stack/api-keys.ts';
import { authApi } from '../../../scripts/dev/stack/auth-api.ts';
import { findFunctions } from '../../../scripts/dev/stack/function-catalog.ts';
import { FunctionProcess } from '../../../scripts/dev/stack/function-process.ts';
import { REPOSITORY } from '../../../scripts/dev/stack/repository.ts';
import { makeStackUsers } from '../../../scripts/dev/stack/stack-users.ts';
import { createAuthenticator } from '../../../supabase/functions/_shared/http/authenticate.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import { CHECKS } from '../../../supabase/functions/_shared/monitor/check-registry.ts';
import { reportAnswer } from '../../../supabase/functions/database-health-monitor/answer-schemas.ts';
import { createApp } from '../../../supabase/functions/database-health-monitor/app.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { openAs } from './health-harness.ts';

const NO_LIMITS = { wallMs: 600_000, softCpuMs: 0, maxRequests: 0 };
const SERVICE_KEY = 'sb_secret_of_the_health_test';
const NAME = 'database-health-monitor';
const cleanups: (() => Promise<unknown>)[] = [];

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
});

after(async () => {
  for (const clean of cleanups.reverse()) await clean();
  await sql?.end();
  await database?.drop();
});

interface Edge {
  readonly log: string[];
  call(path: string, init?: RequestInit): Promise<Response>;
}

async function boot(overrides: Record<string, string> = {}): Promise<Edge> {
  const denoDir = await mkdtemp(join(tmpdir(), 'holdfast-deno-'));
  cleanups.push(() => rm(denoDir, { recursive: true, force: true }));
  const found = (await findFunctions(join(REPOSITORY, 'supabase'))).find(({ name }) => name === NAME);
  assert.ok(found?.configFile);
  assert.equal(found.verifyJwt, false);
  const log: string[] = [];
  const env = {
    SUPABASE_URL: `http://127.0.0.1:${await getPort()}`,
    SUPABASE_DB_URL: `${database.url}?sslmode=disable`,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: SERVICE_KEY }),
    BACKUP_S3_ENDPOINT: `http://127.0.0.1:${await getPort()}`,
    BACKUP_S3_BUCKET: 'backups',
    BACKUP_S3_ACCESS_KEY_ID: 'id-of-the-health-test',
    BACKUP_S3_SECRET_ACCESS_KEY: 'secret-of-the-health-test',
    BACKUP_ALLOW_UNENCRYPTED: 'true',
    ...overrides,
  };
  const options = { limits: NO_LIMITS, env, denoDir, writeLog: (text: string) => log.push(text), onChange() {} };
  const isolate = new FunctionProcess(found, options);
  cleanups.push(() => isolate.end());
  await isolate.ready.catch((error) => assert.fail(`${error.message}\n${log.join('')}`));
  return { log, call: (path, init) => fetch(`http://127.0.0.1:${isolate.port}/${NAME}${path}`, init) };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const asService = { headers: { apikey: SERVICE_KEY } };

test('/health tells strangers one word, and 503 once the heartbeat is silent', async () => {
  const edge = await boot();
  await sql`select backup.tick()`;
  const up = await edge.call('/health');
  assert.equal(up.status, 200, edge.log.join(''));
  assert.equal(await up.text(), '{"status":"up"}');
  assert.equal(up.headers.get('cache-control'), 'no-store');
  await sql`update backup.heartbeat set at = now() - interval '4 minutes' where name = 'tick'`;
  await new Promise((resolve) => setTimeout(resolve, 5_200)); // an answer serves for five seconds
  const answers = await Promise.all(Array.from({ length: 40 }, () => edge.call('/health')));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [503]);
  assert.deepEqual([...new Set(await Promise.all(answers.map((answer) => answer.text())))], ['{"status":"down"}']);
  const alerts = await sql`
    select severity from public.system_health_alerts where event_data ->> 'check' = 'pg_cron'`;
  assert.deepEqual([...alerts], [{ severity: 'critical' }], 'it is put on record, once');
  assert.equal((await edge.call('/health', { method: 'POST' })).status, 405);
  await sql`select backup.beat('tick')`;
});

test('/health is down, and says nothing more, when the database is away or the configuration is broken', async () => {
  for (const SUPABASE_DB_URL of [
    `postgresql://postgres:x@127.0.0.1:${await getPort()}/postgres?sslmode=disable`,
    'nonsense',
  ]) {
    const edge = await boot({ SUPABASE_DB_URL });
    const down = await edge.call('/health');
    assert.equal(down.status, 503);
    assert.equal(await down.text(), '{"status":"down"}');
  }
});

test('the report is for the service key; it has every check, as JSON and as text', async () => {
  const edge = await boot();
  const refused = await edge.call('/health/report');
  assert.equal(refused.status, 401);
  await refused.body?.cancel();
  const answer = await edge.call('/health/report', asService);
  assert.equal(answer.status, 200, await answer.clone().text());
  const report = reportAnswer.parse(await answer.json());
  assert.deepEqual(
    report.checks.map(({ name }) => name),
    CHECKS.map(({ name }) => name),
  );
  const broken = report.checks.filter(({ detail }) => /could not be carried out/.test(detail));
  assert.deepEqual(broken, []);
  assert.equal(report.checks.find(({ name }) => name === 'last_backup')?.state, 'unhealthy');
  assert.deepEqual([report.state, report.severity], ['unhealthy', 'critical']);
  const text = await edge.call('/health/report?format=text', asService);
  assert.match(text.headers.get('content-type') ?? '', /^text\/plain/);
  assert.match(await text.text(), /^unhealthy \(critical\)[\s\S]*last_backup[\s\S]*-> Take one now/);
  const wrong = await edge.call('/health/report?format=xml', asService);
  assert.equal(wrong.status, 400);
  await wrong.body?.cancel();
  const openapi = await (await edge.call('/openapi.json', asService)).json();
  assert.ok(openapi.paths[`/${NAME}/health/report`]);
  assert.doesNotMatch(edge.log.join(''), new RegExp(`${SERVICE_KEY}|secret-of-the-health-test`));
});

test('a ticket starts the evaluation, once; anything else does not', async () => {
  const edge = await boot();
  await sql`select backup.start_job('health_check', 'all')`;
  const [row] = await sql`select ticket from backup.issue_job_tickets(${NAME}) as ticket`;
  const post = (ticket: string) => edge.call('/work', { method: 'POST', body: JSON.stringify({ ticket }) });
  assert.equal((await post('0'.repeat(64))).status, 401);
  const accepted = await post(row!.ticket);
  assert.equal(accepted.status, 202);
  for (let tries = 0; ; tries += 1) {
    const [job] =
      await sql`select state, error from backup.job where kind = 'health_check' order by created_at desc limit 1`;
    if (job!.state === 'done') break;
    assert.ok(tries < 600, `${JSON.stringify(job)}\n${edge.log.join('')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal((await post(row!.ticket)).status, 401, 'a ticket works once');
  const [evaluated] = await sql`select from backup.heartbeat where name = 'evaluation'`;
  assert.ok(evaluated);
});

test('admins read the report, other people do not, and refusals are recorded', async () => {
  const admin = openAs(database.adminUrl);
  cleanups.push(() => admin.end());
  const keys = await makeApiKeys();
  const issuer = 'http://project.example/auth/v1';
  const auth = authApi({ sql: admin, keys, issuer: () => issuer });
  const tokens = await makeStackUsers(admin, { keys, issuer });
  const authenticate = createAuthenticator({
    supabaseUrl: 'http://project.example',
    anonKey: keys.anonKey,
    serviceKeys: [keys.serviceRoleKey],
    fetch: async (input, init) => auth.fetch(new Request(input, init)),
  });
  const app = createApp({
    surroundings: () => ({ sql, publicKeys: () => null, hasSecret: () => true, authenticate }),
    log: createLogger(() => {}),
  });
  const get = async (token: string) =>
    (await app.fetch(new Request(`http://edge.example/${NAME}/health/report`, bearer(token)))).status;
  assert.equal(await get(tokens.JWT_ADMIN!), 200);
  for (const name of ['JWT_DEVELOPER', 'JWT_SUPPORT', 'JWT_USER']) assert.equal(await get(tokens[name]!), 403, name);
  assert.equal(await get(keys.anonKey), 401);
  const refusals = await sql`select from public.security_events_log where event_type = 'backup_access_denied'`;
  assert.ok(refusals.length >= 4);
});
