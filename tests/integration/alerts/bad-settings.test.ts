/** Settings that nobody should set, and that somebody will: none of them silences alerts or tells them again and again. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { type AlertGround, minutes, openAlertGround, slackFor } from './alert-harness.ts';

const KEEP = 'alert_keep_days';
const NUMBERS = ['alert_resolve_after_minutes', 'alert_event_hours', KEEP, 'digest_day', 'digest_hour'];
const DAY = 24 * 60;

let ground: AlertGround;
let sql: Sql;
const presets = new Map<string, string>();
before(async () => {
  ground = await openAlertGround();
  sql = ground.sql;
  for (const row of await sql`select name, value::text as value from backup.setting where name = any (${NUMBERS})`)
    presets.set(row.name, row.value);
});
beforeEach(async () => {
  await ground.reset();
  for (const [name, value] of presets) await set(name, value);
});
after(() => ground?.stop());

/** `value` as JSON. */
async function set(name: string, value: string): Promise<void> {
  const { count } = await sql`update backup.setting set value = ${value}::text::jsonb where name = ${name}`;
  assert.equal(count, 1, name);
}

const unhealthy = (check: string) =>
  sql`select backup.record_health(${sql.json([
    { check, title: 'It', category: 'platform', state: 'unhealthy', severity: 'critical', detail: 'is bad', todo: '' },
  ])})`;
const fail = () => ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
const kinds = async () => (await ground.deliveries()).map(({ kind }) => kind);

async function completeBackup(id: string, at: Date): Promise<void> {
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, stage, started_at, completed_at)
    values (${id}, 'daily', 'completed', 'done', ${at}, ${at})`;
}

test('0 days keep everything: an open problem is told once, and its end too', async () => {
  for (const days of ['0', '-1']) {
    await ground.reset();
    await slackFor(ground);
    await set(KEEP, days);
    await fail();
    for (let n = 0; n < 4; n++) await ground.tickAndDeliver(minutes(n));
    assert.deepEqual(await kinds(), ['open'], days);
    assert.equal(ground.sink.received.length, 1);
    await completeBackup(`daily_${days}`, minutes(5));
    await ground.tickAndDeliver(minutes(6));
    await ground.tickAndDeliver(minutes(400 * DAY));
    assert.deepEqual(await kinds(), ['open', 'resolved'], days);
    await sql`delete from public.backup_log`;
  }
});

test('a problem that is open for longer than deliveries are kept is not told anew, and is cleared away once it is over', async () => {
  await slackFor(ground);
  await unhealthy('long');
  await ground.tickAndDeliver();
  await ground.alert('other_news', 'info', {});
  await sql`select backup.alert_rule_set('news', '{other_news}', 'info', '{slack}')`;
  await ground.tickAndDeliver();
  assert.deepEqual(await kinds(), ['open', 'notice']);
  for (const days of [91, 92, 200]) await ground.tickAndDeliver(minutes(days * DAY));
  assert.deepEqual(await kinds(), ['open'], 'the notice is gone, the open problem is not told again');
  await sql`update backup.health_state set state = 'healthy'`;
  await ground.tickAndDeliver(minutes(201 * DAY));
  assert.deepEqual(await kinds(), ['open', 'resolved'], 'who was told of it is told of its end');
  await ground.tickAndDeliver(minutes(292 * DAY));
  assert.deepEqual(await kinds(), []);
  assert.equal((await sql`select from backup.problem`).length, 0);
});

for (const value of ['"7,5"', '7.5', '"soon"', '""', 'null', '[5]', '{}', 'true', '1e30', '999999999', '-999999999']) {
  test(`alerts go out, and what is over is resolved, with settings of ${value}`, async () => {
    await slackFor(ground);
    for (const name of NUMBERS) await set(name, value);
    await unhealthy('open');
    await fail();
    await ground.alert('an_event', 'warning', {});
    await ground.tickAndDeliver();
    await ground.tickAndDeliver(minutes(1));
    assert.deepEqual(
      (await ground.deliveries()).filter(({ kind }) => kind === 'open').map(({ state }) => state),
      ['sent', 'sent', 'sent'],
    );
    await completeBackup('daily_2', minutes(2));
    await ground.tickAndDeliver(minutes(3));
    const [problem] = await sql`select state from backup.problem where key = 'backup:daily'`;
    assert.equal(problem!.state, 'resolved');
    await sql`delete from public.backup_log`;
  });
}

test('a number is rounded, and what is none counts as the preset', async () => {
  const cases: [value: string, counts: number][] = [
    ['7', 7],
    ['-7', -7],
    ['"7"', 7],
    ['" 7 "', 7],
    ['7.5', 8],
    ['"7.4"', 7],
    ['1e2', 100],
    ['"7,5"', 42],
    ['"7 days"', 42],
    ['99999999999', 42],
    ['null', 42],
    ['[7]', 42],
  ];
  for (const [value, counts] of cases) {
    await set(KEEP, value);
    const [row] = await sql`select backup.setting_int(${KEEP}, 42) as counts`;
    assert.equal(row!.counts, counts, value);
  }
  assert.equal((await sql`select backup.setting_int('no such setting', 42) as counts`)[0]!.counts, 42);
});

test('the digest of a Sunday at 23:00 is told on Monday where the heartbeat came late, with the week that it is about', async () => {
  await slackFor(ground, 'slack', null);
  await sql`select backup.alert_rule_set('digest', '{weekly_digest}', 'info', '{slack}')`;
  await set('digest_day', '7');
  await set('digest_hour', '23');
  const sunday = new Date('2027-01-10T23:00:00Z').getTime();
  const at = (hours: number) => new Date(sunday + hours * 3_600_000);
  await completeBackup('daily_sunday', at(-1));
  await completeBackup('daily_monday', at(0.5));
  const told = async () =>
    (
      await sql`select subject, message -> 'facts' ->> 'backups_completed' as completed from backup.alert_delivery
                where kind = 'digest' order by 1`
    ).map(({ subject, completed }) => [subject, completed]);
  await ground.tick(at(-0.1));
  assert.deepEqual(await told(), []);
  await ground.tick(at(1.5));
  assert.deepEqual(await told(), [['digest:2027-W01', '1']]);
  for (const hours of [10, 23.9, 24.1, 100]) await ground.tick(at(hours));
  assert.equal((await told()).length, 1);
  await ground.tick(at(7 * 24 + 2));
  assert.deepEqual(await told(), [
    ['digest:2027-W01', '1'],
    ['digest:2027-W02', '1'],
  ]);
  await sql`delete from public.backup_log`;
});
