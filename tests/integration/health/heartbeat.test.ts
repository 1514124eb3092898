/** pg_cron, pg_net and functions that die: who notices, how soon, and that it is told once. Real clock, sender and server. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import getPort from 'get-port';
import type { Sql } from 'postgres';
import { type CronClock, startCronClock } from '../../../scripts/dev/stack/cron-clock.ts';
import { urlOfRole } from '../../../scripts/dev/stack/database/install-platform.ts';
import { type NetSender, startNetSender } from '../../../scripts/dev/stack/net-sender.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, eventually, later, openAs, setThreshold } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;
let clock: CronClock | undefined;
let sender: NetSender | undefined;
let functions: Server | undefined;
let port: number;
const presets = new Map<string, number>();

/** Three seconds stand for three minutes, and a tick each second for one each minute. */
const SECONDS = 3 / 60;

const startClock = () =>
  startCronClock(database.adminUrl, { login: (role) => urlOfRole(database.adminUrl, role, 'postgres') });

async function startFunctions(status = 200): Promise<void> {
  const server = createServer((_request, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(`{"status":"${status === 200 ? 'up' : 'down'}"}`);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  functions = server;
}

async function stopFunctions(): Promise<void> {
  functions?.closeAllConnections();
  await new Promise<void>((resolve) => (functions ? functions.close(() => resolve()) : resolve()));
  functions = undefined;
}

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
  port = await getPort();
  for (const row of await sql`select name, value::float8 as value from backup.health_threshold`)
    presets.set(row.name, row.value);
  await startFunctions();
  await sql`select backup.configure(${`http://127.0.0.1:${port}/functions/v1`})`;
  await sql`update backup.schedule set enabled = false`;
  await sql`select cron.alter_job(jobid, schedule => '1 seconds') from cron.job where jobname = 'holdfast-tick'`;
  clock = await startClock();
  sender = await startNetSender(database.adminUrl);
});

beforeEach(async () => {
  await sql`delete from public.system_health_alerts`;
  await setThreshold(sql, 'tick_silence_minutes', SECONDS);
  await setThreshold(sql, 'net_silence_minutes', SECONDS);
});

after(async () => {
  await clock?.stop();
  await sender?.stop();
  await stopFunctions();
  await sql?.end();
  await database?.drop();
});

const alertsOf = (check: string) => sql`
  select alert_type, severity, event_data ->> 'state' as state from public.system_health_alerts
  where event_data ->> 'check' = ${check} order by created_at`;

const stateOf = async (check: string) =>
  (await sql`select state from backup.health_state where check_name = ${check}`)[0]?.state as string | undefined;

const until = (check: string, state: string) =>
  eventually(async () => ((await stateOf(check)) === state ? true : undefined));

test('with pg_cron, pg_net and functions alive all three are healthy, and no problem is written', async () => {
  await until('functions', 'healthy');
  await until('pg_net', 'healthy');
  assert.equal((await ask(sql, 'pg_cron')).state, 'healthy');
  const problems =
    await sql`select message from public.system_health_alerts where alert_type = 'health_check_unhealthy'`;
  assert.deepEqual([...problems], []);
});

test('the presets notice a dead pg_cron or pg_net within 5 minutes, counting a minute for the tick', async () => {
  for (const name of ['tick_silence_minutes', 'net_silence_minutes']) assert.ok(presets.get(name)! + 1 < 5, name);
  await setThreshold(sql, 'tick_silence_minutes', presets.get('tick_silence_minutes')!);
  assert.equal((await ask(sql, 'pg_cron', { now: later(2.9 / 60) })).state, 'healthy');
  assert.equal((await ask(sql, 'pg_cron', { now: later(3.2 / 60) })).state, 'unhealthy');
});

test('a stopped pg_cron is noticed by whoever asks the function, once, and its return too', async () => {
  await until('functions', 'healthy');
  await ask(sql, 'pg_cron');
  await sql`delete from public.system_health_alerts`;
  await clock!.stop();
  clock = undefined;
  await eventually(async () => ((await sql`select backup.is_up() as up`)[0]!.up === false ? true : undefined));
  await sql`select backup.is_up()`;
  const line = await ask(sql, 'pg_cron');
  assert.equal(line.state, 'unhealthy');
  assert.match(line.detail, /^the last tick was [\d.]+ minutes ago/);
  assert.match(line.todo, /cron\.schedule/);
  assert.deepEqual(
    (await alertsOf('pg_cron')).map((row) => [row.alert_type, row.severity]),
    [['health_check_unhealthy', 'critical']],
  );
  clock = await startClock();
  await eventually(async () => ((await sql`select backup.is_up() as up`)[0]!.up === true ? true : undefined));
  const again = await ask(sql, 'pg_cron');
  assert.deepEqual([again.state, again.problemSince], ['healthy', null]);
  assert.deepEqual(
    (await alertsOf('pg_cron')).map(({ state }) => state),
    ['unhealthy', 'healthy'],
  );
});

test('a tick job that is paused or gone is said even before the silence is', async () => {
  await setThreshold(sql, 'tick_silence_minutes', 60);
  const [job] = await sql`select jobid, schedule, command from cron.job where jobname = 'holdfast-tick'`;
  await sql`select cron.alter_job(${job!.jobid}, active => false)`;
  assert.match((await ask(sql, 'pg_cron')).detail, /not active/);
  await sql`select cron.unschedule('holdfast-tick')`;
  assert.match((await ask(sql, 'pg_cron')).detail, /there is no job holdfast-tick/);
  await sql`select cron.schedule('holdfast-tick', ${job!.schedule}, ${job!.command})`;
  assert.equal((await ask(sql, 'pg_cron')).state, 'healthy');
});

test('a stopped pg_net is noticed by the tick alone, and its return too', async () => {
  await until('pg_net', 'healthy');
  await sender!.stop();
  sender = undefined;
  await until('pg_net', 'unhealthy');
  const [row] = await sql`select detail, todo from backup.health_state where check_name = 'pg_net'`;
  assert.match(row!.detail, /^a request has waited for [\d.]+ minutes; \d+ are in the queue$/);
  assert.match(row!.todo, /net\.worker_restart/);
  assert.deepEqual(
    (await alertsOf('pg_net')).map(({ severity, state }) => [severity, state]),
    [['critical', 'unhealthy']],
  );
  sender = await startNetSender(database.adminUrl);
  await until('pg_net', 'healthy');
  assert.equal((await alertsOf('pg_net')).length, 2);
});

test('functions that do not answer, or answer badly, are noticed by the tick alone', async () => {
  await until('functions', 'healthy');
  await sql`delete from public.system_health_alerts`;
  await stopFunctions();
  await until('functions', 'unhealthy');
  assert.match(
    (await sql`select detail from backup.health_state where check_name = 'functions'`)[0]!.detail,
    /failed: /,
  );
  assert.equal((await alertsOf('functions')).length, 1);
  await startFunctions(503);
  await eventually(async () => {
    const [row] = await sql`select detail from backup.health_state where check_name = 'functions'`;
    return /it answers that it is down/.test(row!.detail) ? true : undefined;
  });
  await stopFunctions();
  await startFunctions();
  await until('functions', 'healthy');
});

test('the heartbeat keeps its own tables small', async () => {
  await sql`insert into backup.health_probe (request_id, sent_at) values (-1, now() - interval '2 hours')`;
  await eventually(async () =>
    (await sql`select from backup.health_probe where request_id = -1`).length === 0 ? true : undefined,
  );
});
