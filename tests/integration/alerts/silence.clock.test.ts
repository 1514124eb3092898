/** pg_cron and pg_net are really stopped, with the function as it is deployed: the pings go silent, and Slack hears of it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Sql } from 'postgres';
import { type CronClock, startCronClock } from '../../../scripts/dev/stack/cron-clock.ts';
import { findFunctions } from '../../../scripts/dev/stack/function-catalog.ts';
import { FunctionProcess } from '../../../scripts/dev/stack/function-process.ts';
import { type NetSender, startNetSender } from '../../../scripts/dev/stack/net-sender.ts';
import { REPOSITORY } from '../../../scripts/dev/stack/repository.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Sink, startSink, textsOf } from './alert-harness.ts';

const NAME = 'database-health-monitor';
const NO_LIMITS = { wallMs: 600_000, softCpuMs: 0, maxRequests: 0 };
const SLOT_MS = 60_000;

let database: TestDatabase;
let sql: Sql;
let sink: Sink;
let denoDir: string;
let isolate: FunctionProcess;
let gateway: Server;
let address: string;
let clock: CronClock | undefined;
let sender: NetSender | undefined;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const options = { max: 2, applicationName: 'silence test', platform: nodePlatform };
  sql = openDriver(database.url, options) as unknown as Sql;
  sink = await startSink();
  denoDir = await mkdtemp(join(tmpdir(), 'holdfast-deno-'));
  gateway = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = (request.url ?? '').replace('/functions/v1', '');
    const answer = await fetch(`http://127.0.0.1:${isolate.port}${path}`, {
      method: request.method!,
      headers: { 'content-type': request.headers['content-type'] ?? 'text/plain' },
      ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
  });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`;
  const monitor = (await findFunctions(join(REPOSITORY, 'supabase'))).find(({ name }) => name === NAME);
  const env = {
    SUPABASE_URL: address,
    SUPABASE_DB_URL: `${database.url}?sslmode=disable`,
    ALERT_SLACK_URL: `${sink.url}/slack`,
    ALERT_PING_URL: `${sink.url}/ping`,
  };
  isolate = new FunctionProcess(monitor!, { limits: NO_LIMITS, env, denoDir, writeLog() {}, onChange() {} });
  await isolate.ready;
  await sql`select backup.configure(${`${address}/functions/v1`})`;
  await sql`update backup.schedule set enabled = false`;
  await sql`update backup.setting set value = '0' where name = 'alert_resolve_after_minutes'`;
  await sql`update backup.health_threshold set value = 0.3 where name in ('tick_silence_minutes', 'net_silence_minutes')`;
  await sql`select cron.alter_job(jobid, schedule := '5 seconds') from cron.job where jobname = 'holdfast-tick'`;
  await sql`select backup.alert_channel_set('slack', 'slack', 'ALERT_SLACK_URL')`;
  await sql`select backup.alert_rule_set('problems', '{health:pg_cron,health:pg_net}', p_channels => '{slack}')`;
  await sql`select backup.alert_channel_set('switch', 'ping', 'ALERT_PING_URL', '{"mode": "heartbeat", "every_minutes": 1}')`;
  const login = (role: string) => database.adminUrl.replace(/\/\/[^:@]+/, `//${role}`);
  startClock = async () => {
    clock = await startCronClock(database.adminUrl, {
      login: (role) => (role === 'postgres' ? database.url : login(role)),
    });
  };
  await startClock();
  sender = await startNetSender(database.adminUrl);
});

let startClock: () => Promise<void>;

after(async () => {
  await clock?.stop();
  await sender?.stop();
  await isolate?.end();
  gateway?.closeAllConnections();
  await new Promise((resolve) => (gateway ? gateway.close(resolve) : resolve(null)));
  await sql?.end();
  await sink?.stop();
  await database?.drop();
  if (denoDir) await rm(denoDir, { recursive: true, force: true });
});

const pings = () => sink.at('/ping').length;
const slack = () => textsOf(sink.at('/slack'));
const health = async () => (await fetch(`${address}/functions/v1/${NAME}/health`)).status;

async function eventually(what: string, look: () => unknown, seconds: number): Promise<number> {
  const start = Date.now();
  for (; Date.now() - start < seconds * 1000; await sleep(500)) {
    if (await look()) return (Date.now() - start) / 1000;
  }
  const state = await sql`select check_name, state, severity, detail from backup.health_state where state <> 'healthy'`;
  const waiting =
    await sql`select subject, channel, state, error from backup.alert_delivery order by ordinal desc limit 5`;
  throw new Error(`${what}: not in ${seconds} s: ${JSON.stringify({ state, waiting, slack: slack() })}`);
}

/** A whole slot and more passes without a ping; what was under way when the thing stopped may still arrive. */
async function silent(meanwhile: () => unknown = () => {}): Promise<void> {
  await sleep(5000);
  const before = pings();
  for (const until = Date.now() + SLOT_MS + 10_000; Date.now() < until; await sleep(5000)) await meanwhile();
  assert.equal(pings(), before, 'a ping came from the dead');
}

test('a stopped pg_cron: silence, 503, and Slack within five minutes; it starts again, and all is told', {
  timeout: 500_000,
}, async () => {
  await eventually('the first ping', () => pings() > 0, 90);
  assert.equal(await health(), 200);
  assert.equal(sink.at('/ping')[0]!.path.split('?')[0], '/ping');
  await clock!.stop();
  clock = undefined;
  const start = Date.now();
  let told = 0;
  let down = 0;
  await silent(async () => {
    if ((await health()) === 503) down ||= Date.now();
    if (slack().some((text) => text.startsWith('Critical: Heartbeat by pg_cron: '))) told ||= Date.now();
  });
  assert.ok(down > 0, 'GET /health answers 503');
  assert.ok(told > 0 && told - start < 300_000, JSON.stringify(slack()));
  assert.equal(slack().length, 1, 'once, however often it is asked');
  const before = pings();
  await startClock();
  await eventually('the end told', () => slack().some((text) => text.startsWith('Resolved: Heartbeat by pg_cron')), 90);
  await eventually('a ping again', () => pings() > before, 150);
});

test('a stopped pg_net: silence, on record in the database, and told once it sends again', {
  timeout: 500_000,
}, async () => {
  await sender!.stop();
  sender = undefined;
  await silent();
  const [state] = await sql`select state from backup.health_state where check_name = 'pg_net'`;
  assert.equal(state!.state, 'unhealthy');
  assert.equal(slack().filter((text) => text.includes('pg_net')).length, 0, 'nobody can carry it');
  const before = pings();
  sender = await startNetSender(database.adminUrl);
  await eventually(
    'the failure told',
    () => slack().some((text) => text.startsWith('Critical: Requests through pg_net')),
    60,
  );
  await eventually('a ping again', () => pings() > before, 150);
});
