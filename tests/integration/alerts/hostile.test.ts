/** Alerts under floods, clocks that jump, two of everything at once, and other sides that misbehave. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { type AlertGround, minutes, openAlertGround, slackFor, textsOf } from './alert-harness.ts';

let ground: AlertGround;
let sql: Sql;

before(async () => {
  ground = await openAlertGround();
  sql = ground.sql;
});
beforeEach(() => ground.reset());
after(() => ground?.stop());

const kinds = async () => (await ground.deliveries()).map(({ channel, kind }) => `${channel}:${kind}`);
const count = async (query: string) => Number((await sql.unsafe(`select count(*) as n from ${query}`))[0]!.n);

/** Milliseconds of one tick. */
async function timedTick(now?: Date): Promise<number> {
  const start = performance.now();
  await ground.tick(now);
  return performance.now() - start;
}

/** Other sides that node's own sink is too polite for. */
async function misbehave(serve: Parameters<typeof createServer>[1]): Promise<{ url: string; server: Server }> {
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`, server };
}

test('a flood of small news holds up nothing critical, and each tick stays short', async () => {
  await slackFor(ground);
  await sql`select backup.alert_rule_set('news', '{news}', 'info', '{slack}')`;
  await sql`
    insert into public.system_health_alerts (alert_type, severity, message, event_data, created_at)
    select 'news', 'info', 'x', jsonb_build_object('rows', n), now() - interval '1 hour' from generate_series(1, 10000) as n`;
  await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
  const spent = [await timedTick()];
  assert.equal(await count("backup.problem where key = 'backup:daily'"), 1);
  const [first] = await sql`select message ->> 'type' as type from backup.claim_deliveries()`;
  assert.equal(first!.type, 'backup_failed');
  for (let n = 0; n < 5; n++) {
    const seen = await count('backup.alert_seen');
    spent.push(await timedTick());
    assert.ok((await count('backup.alert_seen')) > seen);
  }
  const slowest = Math.max(...spent);
  assert.ok(slowest < 20_000, `the slowest of ${Math.round(slowest)} ms`);
  await sql`insert into backup.alert_seen (alert_id) select id::text from public.system_health_alerts on conflict do nothing`;
  await sql`
    insert into backup.alert_delivery (subject, channel, kind, message)
    select 'notice:' || n, 'slack', 'notice', '{"severity": "info"}' from generate_series(1, 10000) as n`;
  const waiting = await timedTick();
  assert.ok(waiting < 20_000, `${waiting} ms with 10,000 messages waiting`);
});

test('a flood of types is fifty problems and one that says there are more', async () => {
  await slackFor(ground);
  await sql`
    insert into public.system_health_alerts (alert_type, severity, message)
    select 'odd_' || n, 'warning', 'x' from generate_series(1, 400) as n`;
  for (let n = 0; n < 3; n++) await ground.tick();
  assert.equal(await count("backup.problem where state = 'open'"), 51);
  assert.equal((await kinds()).length, 51);
  await sql`select backup.record_health(${sql.json([{ check: 'late', title: 'A check', category: 'platform', state: 'unhealthy', severity: 'critical', detail: 'x' }])})`;
  await ground.tick();
  assert.equal(await count("backup.problem where key = 'health:late'"), 1, 'a health check is always told by its name');
});

test('a row of an unknown type with an enormous event is one short problem', async () => {
  await slackFor(ground);
  await sql`
    insert into public.system_health_alerts (alert_type, severity, message, event_data)
    select repeat('<!channel> ', 2000), 'what', repeat('x', 1000000),
      (select jsonb_object_agg('k' || n, repeat('y', 100)) from generate_series(1, 50000) as n)`;
  await sql`insert into public.system_health_alerts (alert_type, severity, event_data) values ('arrays', 'error', '[[[1]]]'), ('words', 'error', '"x"'), ('nothing', 'error', null)`;
  await ground.tick();
  await ground.deliver();
  assert.equal(ground.sink.received.length, 3);
  for (const { body } of ground.sink.received) {
    assert.ok(body.length < 3000);
    assert.doesNotMatch(body, /<!channel|yyyy|xxxx/);
  }
});

test('a check that flaps each minute for a day is one message', async () => {
  await slackFor(ground);
  const start = Date.now();
  // A statement per hour: one of the whole day may run into the statement timeout.
  for (let hour = 0; hour < 24; hour++) {
    await sql.unsafe(`do $$
      declare
        v_now timestamptz;
      begin
        for n in ${hour * 60}..${hour * 60 + 59} loop
          v_now := '${new Date(start).toISOString()}'::timestamptz + make_interval(mins => n);
          perform backup.record_health(jsonb_build_array(jsonb_build_object('check', 'flapper', 'title', 'A check', 'category',
            'platform', 'state', case when n % 2 = 0 then 'unhealthy' else 'healthy' end, 'severity', 'critical', 'detail', 'x')));
          update backup.health_state set since = v_now, last_seen = v_now;
          perform backup.tick_alerts(v_now);
        end loop;
      end $$`);
  }
  assert.deepEqual(await kinds(), ['slack:open']);
  const end = start + 1440 * 60_000;
  await sql`update backup.health_state set state = 'healthy', since = ${new Date(end).toISOString()}::timestamptz`;
  await ground.tick(new Date(end + 4 * 60_000));
  assert.deepEqual(await kinds(), ['slack:open']);
  await ground.tick(new Date(end + 6 * 60_000));
  assert.deepEqual(await kinds(), ['slack:open', 'slack:resolved']);
});

test('a check that was bad for a moment is not told in the words of a good one', async () => {
  await slackFor(ground);
  const say = (state: string, detail: string) =>
    sql`select backup.record_health(${sql.json([{ check: 'moment', title: 'A check', category: 'platform', state, severity: 'critical', detail }])})`;
  await say('unhealthy', 'it is broken');
  await say('healthy', 'everything is fine');
  await ground.tickAndDeliver();
  assert.deepEqual(textsOf(ground.sink.received), ['Critical: A check: it was unhealthy for a moment']);
});

test('two ticks at once, and one while a long transaction holds its rows back, tell everything once', async () => {
  await slackFor(ground);
  const other = sql.begin(async (held) => {
    await held`insert into public.system_health_alerts (alert_type, severity) values ('held_back', 'critical')`;
    await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
    await Promise.all([ground.tick(), ground.tick(), ground.tick()]);
    assert.deepEqual(await kinds(), ['slack:open']);
  });
  await other;
  await Promise.all([ground.tick(), ground.tick()]);
  await ground.tick();
  assert.deepEqual(await kinds(), ['slack:open', 'slack:open']);
});

test('a row that says it is from next year is told once, not every week', async () => {
  await slackFor(ground);
  await sql`insert into public.system_health_alerts (alert_type, severity, created_at) values ('from_the_future', 'warning', now() + interval '1 year')`;
  for (const day of [0, 2, 9, 18, 40]) await ground.tick(minutes(day * 1440));
  assert.equal(await count('backup.problem'), 1);
  assert.deepEqual(await kinds(), ['slack:open', 'slack:resolved']);
});

test('a clock that went back makes nothing wait and nothing twice', async () => {
  await slackFor(ground);
  await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
  await ground.tick();
  await sql`update backup.alert_delivery set not_before = now() + interval '3 days', created_at = created_at + interval '3 days'`;
  for (let n = 0; n < 3; n++) await ground.tickAndDeliver();
  assert.equal(ground.sink.received.length, 1);
});

test('a table of alerts without an id, as somebody may have had before us, is read once a row', async () => {
  await slackFor(ground);
  await sql`alter table public.system_health_alerts rename column id to number`;
  try {
    await ground.alert('odd_one', 'critical', {});
    await ground.alert('odd_two', 'critical', {});
    for (let n = 0; n < 2; n++) await ground.tick();
    assert.deepEqual(await kinds(), ['slack:open', 'slack:open']);
  } finally {
    await sql`alter table public.system_health_alerts rename column number to id`;
  }
});

test('what an outage swallowed is told when the channel works again, and a pager is told of the end', async () => {
  ground.env.set('ALERT_PD', 'routing-key');
  await sql`select backup.alert_channel_set('pagerduty', 'pagerduty', 'ALERT_PD', ${sql.json({ base_url: ground.sink.url })})`;
  await sql`select backup.alert_rule_set('pagerduty', '{backup_*}', 'critical', '{pagerduty}')`;
  await sql`update backup.setting set value = '1' where name = 'alert_attempts'`;
  try {
    ground.sink.answers.set('/', { status: 503 });
    await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
    await ground.tickAndDeliver();
    assert.equal((await ground.deliveries())[0]!.state, 'failed');
    ground.sink.answers.clear();
    await ground.tickAndDeliver(minutes(10));
    assert.equal(ground.sink.received.length, 1, 'not yet');
    await ground.tickAndDeliver(minutes(20));
    assert.equal((await ground.deliveries())[0]!.state, 'sent');
    ground.sink.answers.set('/', { status: 503 });
    await sql`insert into public.backup_log (backup_id, backup_type, status, stage, started_at, completed_at)
      values ('daily_hostile', 'daily', 'completed', 'done', clock_timestamp(), clock_timestamp())`;
    await ground.tickAndDeliver(minutes(21));
    ground.sink.answers.clear();
    await ground.tickAndDeliver(minutes(40));
    for (let n = 41; n < 44; n++) await ground.tickAndDeliver(minutes(n * 20));
    const said = ground.sink.received.map(({ body }) => JSON.parse(body).event_action);
    assert.deepEqual(said, ['trigger', 'trigger', 'resolve', 'resolve']);
  } finally {
    await sql`update backup.setting set value = '5' where name = 'alert_attempts'`;
    await sql`delete from public.backup_log where backup_id = 'daily_hostile'`;
  }
});

test('a chain of fallbacks that failed whole is revived whole; one that reached somebody is not', async () => {
  await slackFor(ground, 'second', null);
  await slackFor(ground, 'first', null);
  await sql`select backup.alert_channel_set('first', p_fallback => 'second')`;
  await sql`select backup.alert_rule_set('all', '{backup_*}', p_channels => '{first}')`;
  ground.sink.answers.set('/', { status: 404 });
  await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
  await ground.tickAndDeliver();
  assert.equal(ground.sink.received.length, 2);
  ground.sink.answers.clear();
  ground.sink.answers.set('/services/first', { status: 404 });
  await ground.tickAndDeliver(minutes(20));
  assert.deepEqual(
    (await ground.deliveries()).map(({ channel, state }) => `${channel}:${state}`),
    ['first:fell_over', 'second:sent'],
  );
  const before = ground.sink.received.length;
  for (let n = 2; n < 6; n++) await ground.tickAndDeliver(minutes(20 * n));
  assert.equal(ground.sink.received.length, before);
});

test('what waits for an earlier message does not make the sender run in circles', async () => {
  await slackFor(ground);
  ground.sink.answers.set('/', { status: 429, headers: { 'retry-after': '600' } });
  await ground.alert('odd', 'critical', {});
  await ground.tickAndDeliver();
  await ground.tick(minutes(25 * 60));
  assert.deepEqual(await kinds(), ['slack:open', 'slack:resolved']);
  const [row] = await sql`select backup.next_delivery_in_seconds()::float8 as seconds`;
  assert.ok(row!.seconds > 500, String(row!.seconds));
  await sql`update backup.alert_delivery set attempts = 5, not_before = now()`;
  const [spent] = await sql`select backup.next_delivery_in_seconds()::float8 as seconds`;
  assert.equal(spent!.seconds, null, 'what was tried often enough is the heartbeat’s');
});

test('an answer that never ends, or is endless, takes seconds and some kilobytes, and what was taken is not sent again', async () => {
  let written = 0;
  const slow = await misbehave((request, response) => {
    request.resume();
    response.writeHead(200).write('o');
  });
  const endless = await misbehave((request, response) => {
    request.resume();
    response.writeHead(200);
    const chunk = Buffer.alloc(65_536, 'x');
    const pour = () => {
      while (!response.destroyed && response.write(chunk)) written += chunk.length;
      written += chunk.length;
    };
    response.on('drain', pour);
    pour();
  });
  try {
    for (const [name, { url }] of Object.entries({ slow, endless })) {
      ground.env.set(`ALERT_${name.toUpperCase()}`, url);
      await sql`select backup.alert_channel_set(${name}, 'slack', ${`ALERT_${name.toUpperCase()}`})`;
    }
    await sql`select backup.alert_rule_set('all', '{*}', p_channels => '{slow,endless}')`;
    await ground.alert('odd', 'critical', {});
    await ground.tick();
    const start = performance.now();
    await ground.deliver(1000);
    assert.ok(performance.now() - start < 30_000);
    assert.deepEqual(
      (await ground.deliveries()).map(({ state, attempts }) => `${state}:${attempts}`),
      ['sent:1', 'sent:1'],
    );
    assert.ok(written < 20_000_000, `${written} bytes`);
  } finally {
    for (const { server } of [slow, endless]) {
      server.closeAllConnections();
      server.close();
    }
  }
});

test('a redirect into the network of the host is not followed, and plain http to it is refused', async () => {
  await slackFor(ground, 'metadata', null);
  await slackFor(ground, 'other', null);
  ground.sink.answers.set('/services/other', {
    status: 302,
    headers: { location: 'http://169.254.169.254/latest/meta-data' },
  });
  ground.env.set('ALERT_METADATA_URL', 'http://169.254.169.254/latest/meta-data');
  for (const name of ['metadata', 'other']) await sql`select backup.alert_test(${name})`;
  await ground.deliver();
  const errors = (await ground.deliveries()).map(({ state, error }) => `${state} ${error}`);
  assert.match(errors[0]!, /^failed ALERT_SECRET_INVALID: the webhook address must begin with https/);
  assert.match(errors[1]!, /^failed ALERT_REFUSED: it answered 302/);
  assert.doesNotMatch(errors.join(), /169\.254/);
});

test('settings with line breaks are refused: they would be headers of a mail', async () => {
  const good = { from: 'b@example.com', to: ['a@example.com'], domain: 'mg.example.com' };
  for (const [kind, settings] of [
    ['resend', { from: 'b@example.com\r\nBcc: all@example.com', to: good.to }],
    ['resend', { from: good.from, to: ['a@example.com\nBcc: all@example.com'] }],
    ['mailgun', { ...good, from: 'b@example.com\u0001' }],
    ['mailgun', { ...good, to: ['a@example.com, all@example.com'] }],
    ['mailgun', { ...good, to: ['nobody'] }],
  ] as const) {
    await assert.rejects(
      sql`select backup.alert_channel_set('c', ${kind}, 'ALERT_X', ${sql.json(settings as never)})`,
      /control characters|mail addresses/,
    );
  }
  await sql`select backup.alert_channel_set('c', 'mailgun', 'ALERT_X', ${sql.json(good)})`;
});

test('two changes at once cannot close a circle of fallbacks, and a circle would hold nobody', async () => {
  for (const name of ['a', 'b']) await slackFor(ground, name, null);
  const results = await Promise.allSettled([
    sql`select backup.alert_channel_set('a', p_fallback => 'b'), pg_sleep(0.2)`,
    sql`select backup.alert_channel_set('b', p_fallback => 'a'), pg_sleep(0.2)`,
  ]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await sql`update backup.alert_channel set fallback = case name when 'a' then 'b' else 'a' end, enabled = false`;
  await sql`select backup.alert_test('a')`;
  await ground.deliver();
  assert.equal((await ground.deliveries())[0]!.state, 'failed');
});

test('without channels nothing grows: a year of ticks leaves no delivery and no old row', async () => {
  for (let day = 0; day < 30; day += 3) {
    await ground.alert('backup_completed', 'info', { backup_id: `daily_${day}` });
    await ground.tick(minutes(day * 1440));
    await sql`update backup.alert_seen set at = least(at, now()), alert_at = least(alert_at, now())`;
  }
  await ground.tick(minutes(365 * 1440));
  for (const table of ['alert_delivery', 'alert_seen', 'problem'])
    assert.equal(await count(`backup.${table}`), 0, table);
  assert.equal(await count("backup.job where kind = 'deliver_alerts'"), 0);
});
