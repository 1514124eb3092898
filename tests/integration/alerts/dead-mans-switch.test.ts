/** Pings: signs of life while all is well, an answer for every scheduled time, and silence as soon as something died. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { type AlertGround, minutes, openAlertGround, slackFor } from './alert-harness.ts';

let ground: AlertGround;
let sql: Sql;

before(async () => {
  ground = await openAlertGround();
  sql = ground.sql;
});
beforeEach(async () => {
  await ground.reset();
  await sql`delete from backup.schedule_run`;
  ground.env.set('ALERT_PING', `${ground.sink.url}/uuid`);
});
after(() => ground?.stop());

const channel = (settings: Record<string, string | number>) =>
  sql`select backup.alert_channel_set('switch', 'ping', 'ALERT_PING', ${sql.json(settings)})`;
const paths = () => ground.sink.received.map(({ path }) => path.split('?')[0]);

test('one ping for each slot while all is well, and none after something critical or the evaluation stopped', async () => {
  await channel({ mode: 'heartbeat', every_minutes: 10 });
  const start = Math.ceil(Date.now() / 600_000) * 600_000;
  const at = (minute: number) => new Date(start + minute * 60_000);
  const evaluated = (minute: number) =>
    sql`insert into backup.heartbeat (name, at) values ('evaluation', ${at(minute).toISOString()}::timestamptz)
        on conflict (name) do update set at = excluded.at`;
  for (const minute of [0, 1, 9, 10, 19, 20]) {
    await evaluated(minute);
    await ground.tick(at(minute));
  }
  const count = async () => (await ground.deliveries()).length;
  assert.equal(await count(), 3);
  await sql`select backup.record_health(${sql.json([{ check: 'x', title: 'x', category: 'platform', state: 'unhealthy', severity: 'critical', detail: 'x' }])})`;
  await evaluated(30);
  await ground.tick(at(30));
  assert.equal(await count(), 3, 'a critical check is unhealthy');
  await sql`delete from backup.health_state`;
  await ground.tick(at(45));
  assert.equal(await count(), 3, 'the function evaluates no more');
  await evaluated(50);
  await ground.tick(at(50));
  assert.equal(await count(), 4);
});

test('a sign of life that could not be sent in its slot is not sent later', async () => {
  await channel({ mode: 'heartbeat', every_minutes: 5 });
  await sql`update backup.heartbeat set at = clock_timestamp() where name = 'evaluation'`;
  await sql`insert into backup.heartbeat (name, at) values ('evaluation', clock_timestamp()) on conflict do nothing`;
  await ground.tick();
  await sql`update backup.alert_delivery set expires_at = clock_timestamp() - interval '1 second'`;
  await ground.deliver();
  assert.deepEqual(paths(), []);
  assert.deepEqual(
    (await ground.deliveries()).map(({ state }) => state),
    ['expired'],
  );
});

test('every ended time of a schedule is told once, as success only after its verification', async () => {
  await channel({ mode: 'runs', schedule: 'daily-full' });
  const run = (name: string, hour: number, state: string) => sql`
    insert into backup.schedule_run (name, due_at, state, ended_at)
    values (${name}, ${`2026-01-14T0${hour}:00:00Z`}, ${state}, ${state === 'verifying' ? null : sql`clock_timestamp()`})`;
  const names = (await sql`select name from backup.schedule order by name`).map(({ name }) => name as string);
  assert.ok(names.includes('daily-full'), names.join());
  await run('daily-full', 1, 'succeeded');
  await run('daily-full', 2, 'verifying');
  await run(names.find((name) => name !== 'daily-full')!, 1, 'failed');
  for (let n = 0; n < 2; n++) await ground.tickAndDeliver();
  assert.deepEqual(paths(), ['/uuid']);
  await sql`update backup.schedule_run set state = 'failed', ended_at = clock_timestamp() where state = 'verifying'`;
  for (let n = 0; n < 2; n++) await ground.tickAndDeliver();
  assert.deepEqual(paths(), ['/uuid', '/uuid/fail']);
  assert.match(ground.sink.received[1]!.path, /rid=[0-9a-f]{8}-[0-9a-f-]{27}$/);
});

test('a switch in a rule is told of problems and of their end', async () => {
  await channel({ mode: 'problems' });
  await sql`select backup.alert_rule_set('all', '{*}', p_channels => '{switch}')`;
  await ground.alert('something_odd', 'critical', {});
  await ground.tickAndDeliver();
  await ground.tickAndDeliver(minutes(25 * 60));
  assert.deepEqual(paths(), ['/uuid/fail', '/uuid']);
});

test('a dead pg_cron is told without a tick by whoever notices it, and a pager by who goes on asking', async () => {
  await slackFor(ground);
  await slackFor(ground, 'pager', null);
  await sql`select backup.alert_rule_set('pager', '{health:*}', p_channels => '{pager}', p_min_occurrences => 2)`;
  const dead = {
    check: 'pg_cron',
    title: 'Heartbeat by pg_cron',
    category: 'platform',
    state: 'unhealthy',
    severity: 'critical',
    detail: 'the last tick was 4 minutes ago',
  };
  const notice = () => sql`select backup.record_health(${sql.json([dead])})`;
  await notice();
  assert.equal((await sql`select from backup.job where kind = 'deliver_alerts' and state = 'pending'`).length, 1);
  await ground.deliver();
  assert.equal(ground.sink.received.length, 1);
  assert.match(ground.sink.received[0]!.body, /Critical: Heartbeat by pg_cron: the last tick was 4 minutes ago/);
  await notice();
  await ground.deliver();
  assert.equal(ground.sink.at('/services/pager').length, 1);
  assert.equal(ground.sink.at('/services/slack').length, 1);
});
