/** How messages get out: retries, Retry-After, fallbacks, missing secrets, dead senders, order. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { startProgram } from '../../support/run-script.ts';
import { type AlertGround, minutes, openAlertGround, slackFor, textsOf } from './alert-harness.ts';

let ground: AlertGround;
let sql: Sql;

before(async () => {
  ground = await openAlertGround();
  sql = ground.sql;
});
beforeEach(() => ground.reset());
after(() => ground?.stop());

const hurry = () => sql`update backup.alert_delivery set not_before = now() where state = 'pending'`;
const fail = (type = 'backup_failed') => ground.alert(type, 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
const states = async () =>
  (await ground.deliveries()).filter(({ kind }) => kind === 'open').map(({ channel, state }) => `${channel}:${state}`);
const withoutChannelProblems = () => sql`select backup.alert_rule_set('all', '{backup_*}')`;

test('what passes by itself is tried again, and sent once', async () => {
  await slackFor(ground);
  ground.sink.answers.set('/', { status: 503, body: 'busy' });
  await fail();
  await ground.tickAndDeliver();
  let [delivery] = await ground.deliveries();
  assert.deepEqual([delivery!.state, delivery!.error], ['pending', 'ALERT_NOT_DELIVERED: it answered 503: busy']);
  ground.sink.answers.clear();
  await hurry();
  await ground.deliver();
  await ground.deliver();
  [delivery] = await ground.deliveries();
  assert.deepEqual([delivery!.state, delivery!.error], ['sent', null]);
  assert.equal(ground.sink.received.at(-1)!.body, ground.sink.received[0]!.body, 'the same request, byte by byte');
});

test('Retry-After is kept, in seconds, as a date, or in the JSON of Discord', async () => {
  await slackFor(ground);
  const wait = async () => {
    const [row] =
      await sql`select extract(epoch from not_before - clock_timestamp())::float8 as seconds from backup.alert_delivery`;
    return row!.seconds as number;
  };
  // The date is made when it is sent: the answer before it may have taken its time.
  const answers = [
    () => ({ status: 429, headers: { 'retry-after': '120' } }),
    () => ({ status: 429, headers: { 'retry-after': new Date(Date.now() + 121_000).toUTCString() } }),
    () => ({ status: 429, body: '{"message":"You are being rate limited.","retry_after":118.4}' }),
  ];
  await sql`update backup.setting set value = '1' where name = 'alert_retry_base_seconds'`;
  await fail();
  await ground.tick();
  for (const answer of answers) {
    ground.sink.answers.set('/', answer());
    await hurry();
    await ground.deliver();
    const seconds = await wait();
    assert.ok(seconds > 110 && seconds < 125, String(seconds));
  }
});

test('a refusal goes to the fallback at once, and its resolution follows it there', async () => {
  await slackFor(ground);
  await slackFor(ground, 'second', null);
  await slackFor(ground, 'third', null);
  await sql`select backup.alert_channel_set('second', p_fallback => 'third')`;
  await sql`select backup.alert_channel_set('slack', p_fallback => 'second')`;
  await withoutChannelProblems();
  ground.sink.answers.set('/services/slack', { status: 404, body: 'no_service' });
  ground.sink.answers.set('/services/second', { status: 403, body: 'action_prohibited' });
  await fail();
  await ground.tickAndDeliver();
  assert.deepEqual(await states(), ['slack:fell_over', 'second:fell_over', 'third:sent']);
  assert.equal(ground.sink.at('/services/slack').length, 1);
  const [first] = await ground.deliveries();
  assert.equal(first!.error, 'ALERT_REFUSED: it answered 404: no_service');
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, stage, completed_at)
    values ('daily_2', 'daily', 'completed', 'done', clock_timestamp())`;
  await ground.tickAndDeliver();
  assert.deepEqual(
    textsOf(ground.sink.at('/services/third')).map((text) => text.split(':')[0]),
    ['Critical', 'Resolved'],
  );
});

test("a channel that got a problem in another one's place gets its own rule's repeats all the same", async () => {
  await slackFor(ground);
  await slackFor(ground, 'email', 'mail');
  await sql`select backup.alert_rule_set('mail', '{backup_*}', p_min_occurrences => 2, p_repeat_every => '12 hours')`;
  await withoutChannelProblems();
  await sql`select backup.alert_channel_set('slack', p_fallback => 'email')`;
  ground.sink.answers.set('/services/slack', { status: 404 });
  const mails = () => ground.sink.at('/services/email').length;
  const tick = async (...hours: number[]) => {
    for (const count of hours) await ground.tickAndDeliver(minutes(count * 60));
  };
  await fail();
  await ground.tickAndDeliver();
  assert.deepEqual(await states(), ['slack:fell_over', 'email:sent']);
  await fail();
  await tick(0.1, 11);
  assert.equal(mails(), 1, 'it knows already');
  await tick(12.1, 12.2, 23);
  assert.equal(mails(), 2);
  await sql`select backup.alert_rule_set('all', p_repeat_every => '24 hours')`;
  await tick(24.2);
  assert.equal(mails(), 3, 'one message, whether it is its own or the one that fell over');
});

test("a repeat that came in another one's place does not use up the channel's own", async () => {
  await slackFor(ground);
  await slackFor(ground, 'email', 'mail');
  await sql`select backup.alert_rule_set('mail', '{backup_*}', p_min_occurrences => 2, p_repeat_every => '12 hours')`;
  await sql`select backup.alert_rule_set('all', '{backup_*}', p_repeat_every => '10 hours')`;
  await sql`select backup.alert_channel_set('slack', p_fallback => 'email')`;
  ground.sink.answers.set('/services/slack', { status: 404 });
  await fail();
  await ground.tickAndDeliver();
  await fail();
  await ground.tickAndDeliver(minutes(10.1 * 60));
  await sql`select backup.alert_rule_set('all', p_repeat_every => '0')`;
  await ground.tickAndDeliver(minutes(12.1 * 60));
  const rows = await sql`
    select kind, sequence, via is not null as via, state from backup.alert_delivery where channel = 'email' order by ordinal`;
  assert.deepEqual(
    rows.map(({ kind, sequence, via, state }) => [kind, sequence, via, state]),
    [
      ['open', 3, true, 'sent'],
      ['repeat', 1, true, 'sent'],
      ['repeat', 2, false, 'sent'],
    ],
  );
});

test('the last attempt falls over too, and without a fallback the delivery has failed', async () => {
  await slackFor(ground);
  await withoutChannelProblems();
  ground.sink.answers.set('/', { status: 500 });
  await fail();
  await ground.tick();
  for (let attempt = 1; attempt <= 7; attempt++) {
    await hurry();
    await ground.deliver();
  }
  const [delivery] = await ground.deliveries();
  assert.deepEqual([delivery!.state, delivery!.attempts], ['failed', 5]);
  assert.equal(ground.sink.received.length, 5);
});

test('a channel whose secret is missing says which, falls over, and is a problem told elsewhere alone', async () => {
  await slackFor(ground);
  await slackFor(ground, 'second', null);
  await sql`select backup.alert_rule_set('all', p_channels => '{slack,second}')`;
  ground.env.delete('ALERT_SLACK_URL');
  await fail();
  await ground.tickAndDeliver();
  await ground.tickAndDeliver();
  const rows =
    await sql`select channel, message ->> 'key' as key, state, error from backup.alert_delivery order by ordinal`;
  assert.deepEqual(
    rows.map(({ channel, key, state }) => [channel, key, state]),
    [
      ['second', 'backup:daily', 'sent'],
      ['slack', 'backup:daily', 'failed'],
      ['second', 'channel:slack', 'sent'],
    ],
  );
  assert.equal(rows[1]!.error, 'ALERT_SECRET_MISSING: the function secret ALERT_SLACK_URL is not set');
  ground.env.set('ALERT_SLACK_URL', `${ground.sink.url}/services/slack`);
  await sql`select backup.alert_test('slack')`;
  await ground.deliver();
  await ground.tickAndDeliver();
  assert.match(
    textsOf(ground.sink.at('/services/second')).at(-1)!,
    /^Resolved: the channel slack does not deliver alerts\. The channel delivers again/,
  );
});

test('an address that is not https is refused, and redirects are not followed', async () => {
  await slackFor(ground);
  await withoutChannelProblems();
  ground.sink.answers.set('/services', { status: 302, headers: { location: `${ground.sink.url}/elsewhere` } });
  await fail();
  await ground.tickAndDeliver();
  assert.equal(ground.sink.at('/elsewhere').length, 0);
  assert.match((await ground.deliveries())[0]!.error!, /^ALERT_REFUSED: it answered 302/);
  ground.env.set('ALERT_SLACK_URL', 'http://169.254.169.254/latest/meta-data-token');
  await sql`select backup.alert_test('slack')`;
  await ground.deliver();
  const error = (await ground.deliveries())[1]!.error!;
  assert.match(error, /^ALERT_SECRET_INVALID: .* must begin with https/);
  assert.doesNotMatch(error, /169/);
});

test('a channel that does not answer is given up in time, and holds up no other', async () => {
  await slackFor(ground, 'deaf', null);
  await slackFor(ground, 'slack', null);
  await sql`select backup.alert_rule_set('all', '{*}', p_channels => '{deaf,slack}')`;
  ground.sink.answers.set('/services/deaf', null);
  for (let n = 0; n < 3; n++) await ground.alert(`type_${n}`, 'warning', {});
  await ground.tick();
  const began = Date.now();
  await ground.deliver(400);
  assert.ok(Date.now() - began < 20_000);
  assert.equal(ground.sink.at('/services/slack').length, 3);
  assert.match(
    (await ground.deliveries()).find(({ channel }) => channel === 'deaf')!.error!,
    /no answer in 0\.4 seconds/,
  );
});

test('a sender killed between sending and saying so: sent again, with the same key', async () => {
  ground.env.set('ALERT_KEY', 're_key_of_resend');
  await sql`
    select backup.alert_channel_set('email', 'resend', 'ALERT_KEY',
      ${sql.json({ from: 'b@example.com', to: ['a@example.com'], base_url: ground.sink.url })})`;
  await sql`select backup.alert_rule_set('all', '{*}', p_channels => '{email}')`;
  await fail();
  await ground.tick();
  const killed = startProgram(process.execPath, ['--import', 'tsx', 'tests/integration/alerts/killed-sender.ts'], {
    DATABASE_URL: ground.database.url,
    ALERT_KEY: 're_key_of_resend',
  });
  await killed.ended;
  assert.equal(killed.child.signalCode, 'SIGKILL');
  assert.equal(ground.sink.received.length, 1);
  await ground.deliver();
  assert.equal(ground.sink.received.length, 1, 'its lease is not over yet');
  await hurry();
  await ground.deliver();
  assert.equal(ground.sink.received.length, 2, 'at least once');
  const [first, second] = ground.sink.received;
  assert.ok(first!.headers['idempotency-key']);
  assert.equal(first!.headers['idempotency-key'], second!.headers['idempotency-key']);
  assert.equal(first!.body, second!.body);
  assert.deepEqual(
    (await ground.deliveries()).map(({ state, attempts }) => [state, attempts]),
    [['sent', 2]],
  );
});

test('senders that always die do not try for ever', async () => {
  await slackFor(ground);
  await withoutChannelProblems();
  await fail();
  await ground.tick();
  await sql`update backup.alert_delivery set attempts = 5, not_before = now() - interval '1 second'`;
  await ground.deliver();
  assert.equal(ground.sink.received.length, 0);
  await ground.tick();
  assert.deepEqual(await states(), ['slack:failed']);
});

test('the late word of a sender whose lease was over changes nothing, unless it is that it was sent', async () => {
  await slackFor(ground);
  await fail();
  await ground.tick();
  const [claimed] = await sql`select id, attempts from backup.claim_deliveries()`;
  await hurry();
  const [again] = await sql`select attempts from backup.claim_deliveries()`;
  assert.equal(again!.attempts, 2);
  const settle = async (attempt: number, outcome: string) =>
    (await sql`select backup.settle_delivery(${claimed!.id}, ${attempt}, ${outcome}, 'late') as state`)[0]!.state;
  assert.equal(await settle(1, 'failed'), 'pending');
  assert.equal(await settle(1, 'sent'), 'sent');
  assert.equal(await settle(2, 'failed'), 'sent');
});

test('what is over is never told before what it was', async () => {
  await slackFor(ground);
  ground.sink.answers.set('/', { status: 503 });
  await fail();
  await ground.tickAndDeliver();
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, stage, completed_at)
    values ('daily_3', 'daily', 'completed', 'done', clock_timestamp())`;
  await sql`update backup.alert_delivery set not_before = now() + interval '1 hour'`;
  ground.sink.answers.clear();
  ground.sink.received.length = 0;
  await ground.tickAndDeliver();
  assert.equal(ground.sink.received.length, 0);
  await hurry();
  await ground.deliver();
  assert.deepEqual(
    textsOf(ground.sink.received).map((text) => text.split(':')[0]),
    ['Critical', 'Resolved'],
  );
});

test('notices fall over to no pager, and signs of life to nobody', async () => {
  await slackFor(ground, 'slack', null);
  ground.env.set('ALERT_PD', 'k');
  await sql`select backup.alert_channel_set('pager', 'pagerduty', 'ALERT_PD')`;
  await sql`select backup.alert_channel_set('slack', p_fallback => 'pager')`;
  await sql`select backup.alert_rule_set('news', '{backup_completed}', 'info', '{slack}')`;
  ground.sink.answers.set('/', { status: 404 });
  await ground.alert('backup_completed', 'info', { backup_id: 'daily_1' });
  await ground.tickAndDeliver();
  assert.deepEqual(
    (await ground.deliveries()).map(({ channel, state }) => `${channel}:${state}`),
    ['slack:failed'],
  );
});
