/** From rows of system_health_alerts to messages: raised once, repeated, escalated, held back in quiet hours, resolved. */
import assert from 'node:assert/strict';
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

const FAILED = {
  backup_id: 'daily_20260114_020000_9f3c11ab',
  backup_type: 'daily',
  error: { code: 'STORE_DENIED', message: 'x' },
};

async function completed(id: string, type = 'daily'): Promise<void> {
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, stage, started_at, completed_at)
    values (${id}, ${type}, 'completed', 'done', clock_timestamp(), clock_timestamp())
    on conflict (backup_id) do update set completed_at = excluded.completed_at`;
}

async function health(
  check: string,
  state: 'healthy' | 'unhealthy' | 'inconclusive',
  severity = 'critical',
): Promise<void> {
  const result = {
    check,
    title: 'The check',
    category: 'platform',
    state,
    severity,
    detail: `it is ${state}`,
    todo: 'Do it.',
  };
  await sql`select backup.record_health(${sql.json([result])})`;
}

/** As if the check had been in its state for so many minutes. */
const age = (count: number) => sql`update backup.health_state set since = since - make_interval(mins => ${count})`;

const kinds = async () => (await ground.deliveries()).map(({ channel, kind }) => `${channel}:${kind}`);

test('a failed backup is told once however often the heartbeat comes, and its next good one resolves it', async () => {
  await slackFor(ground);
  await ground.alert('backup_failed', 'critical', FAILED);
  for (let n = 0; n < 3; n++) await ground.tickAndDeliver();
  await completed('weekly_1', 'weekly');
  await ground.tickAndDeliver();
  assert.equal(ground.sink.received.length, 1);
  await completed('daily_2');
  for (let n = 0; n < 3; n++) await ground.tickAndDeliver();
  assert.deepEqual(
    textsOf(ground.sink.received).map((text) => text.split(/[.:]/)[0]),
    ['Critical', 'Resolved'],
  );
  assert.match(textsOf(ground.sink.received)[1]!, /daily_2 is complete/);
  assert.match(
    ground.sink.received[0]!.body,
    /What to do.*select error from backup_log where backup_id = 'daily_20260114_020000_9f3c11ab'/,
  );
});

test('a check that flaps is one alert and one resolution, which waits until it stays healthy', async () => {
  await slackFor(ground);
  for (let n = 0; n < 5; n++) {
    await health('flapper', 'unhealthy');
    await ground.tickAndDeliver();
    await health('flapper', 'healthy');
    await age(4);
    await ground.tickAndDeliver();
  }
  assert.deepEqual(await kinds(), ['slack:open']);
  await age(2);
  for (let n = 0; n < 3; n++) await ground.tickAndDeliver();
  assert.deepEqual(await kinds(), ['slack:open', 'slack:resolved']);
  assert.match(ground.sink.received[0]!.body, /What to do:\* Do it\./);
});

test('what is inconclusive is not over', async () => {
  await slackFor(ground);
  await health('unsure', 'unhealthy');
  await ground.tick();
  await health('unsure', 'inconclusive');
  await age(60);
  await ground.tick();
  assert.deepEqual(await kinds(), ['slack:open']);
});

test('a pager is called after two failures in a row, and the incident resolves itself', async () => {
  ground.env.set('ALERT_PD', 'routing-key');
  ground.sink.answers.set('/v2/enqueue', { status: 202 });
  await sql`select backup.alert_channel_set('pagerduty', 'pagerduty', 'ALERT_PD', ${sql.json({ base_url: ground.sink.url })})`;
  await sql`select backup.alert_rule_set('pagerduty', '{*}', 'critical', '{pagerduty}', p_min_occurrences => 2, p_send_resolved => false)`;
  await ground.alert('backup_failed', 'critical', FAILED);
  await ground.tickAndDeliver();
  assert.equal(ground.sink.received.length, 0);
  await ground.alert('backup_failed', 'critical', FAILED);
  await ground.tickAndDeliver();
  await completed('daily_3');
  await ground.tickAndDeliver();
  const events = ground.sink.received.map(({ body }) => JSON.parse(body));
  assert.deepEqual(
    events.map(({ event_action }) => event_action),
    ['trigger', 'resolve'],
  );
  assert.equal(events[0].dedup_key, events[1].dedup_key);
});

test('a failure, then a good one, then a failure are not two in a row', async () => {
  await slackFor(ground, 'slack', null);
  await sql`select backup.alert_rule_set('two', '{*}', p_channels => '{slack}', p_min_occurrences => 2)`;
  await ground.alert('backup_failed', 'critical', FAILED);
  await ground.tick();
  await completed('daily_4');
  await ground.tick();
  await ground.alert('backup_failed', 'critical', FAILED);
  await ground.tick();
  assert.deepEqual(await kinds(), []);
});

test('a check that stays unhealthy counts with each evaluation', async () => {
  await slackFor(ground, 'slack', null);
  await sql`select backup.alert_rule_set('two', '{health:*}', p_channels => '{slack}', p_min_occurrences => 2)`;
  await health('lasting', 'unhealthy');
  await ground.tick();
  await ground.tick();
  assert.deepEqual(await kinds(), []);
  await health('lasting', 'unhealthy');
  await ground.tick();
  assert.deepEqual(await kinds(), ['slack:open']);
});

test('what becomes worse is told anew, and what becomes better is not', async () => {
  await slackFor(ground);
  await health('growing', 'unhealthy', 'warning');
  await ground.tick();
  await health('growing', 'unhealthy', 'critical');
  await ground.tick();
  await health('growing', 'unhealthy', 'warning');
  await ground.tick();
  assert.deepEqual(await kinds(), ['slack:open', 'slack:open']);
});

test('an open problem is told again after the time of the rule, and escalated once', async () => {
  await slackFor(ground, 'slack', null);
  await slackFor(ground, 'boss', null);
  await sql`
    select backup.alert_rule_set('r', '{*}', p_channels => '{slack}', p_repeat_every => '2 hours',
      p_escalate_after => '3 hours', p_escalate_to => '{boss}')`;
  await ground.alert('backup_failed', 'critical', FAILED);
  await ground.tick();
  for (let minute = 30; minute <= 270; minute += 30) await ground.tick(minutes(minute));
  assert.deepEqual(await kinds(), ['slack:open', 'slack:repeat', 'boss:escalation', 'slack:repeat']);
  await completed('daily_5');
  await ground.tick(minutes(300));
  assert.deepEqual((await kinds()).slice(4), ['boss:resolved', 'slack:resolved']);
  await ground.deliver();
  assert.match(textsOf(ground.sink.at('/services/boss'))[0]!, /^Escalated: /);
  assert.match(ground.sink.at('/services/slack')[1]!.body, /\*For\*\\n2 hours/);
});

test('quiet hours go over midnight, in their zone, on days when the clocks change too', async () => {
  await sql`select backup.alert_rule_set('q', '{*}', p_channels => '{}', p_quiet => '22:00-07:00 Europe/Berlin')`;
  const ends = async (at: string, severity = 'warning') => {
    const [row] =
      await sql`select backup.quiet_end(r, ${severity}, ${at}::timestamptz) as ends from backup.alert_rule r where name = 'q'`;
    return (row!.ends as Date | null)?.toISOString() ?? null;
  };
  assert.equal(await ends('2026-01-14T20:59:00Z'), null);
  assert.equal(await ends('2026-01-14T21:00:00Z'), '2026-01-15T06:00:00.000Z');
  assert.equal(await ends('2026-01-15T05:59:00Z'), '2026-01-15T06:00:00.000Z');
  assert.equal(await ends('2026-01-15T06:00:00Z'), null);
  assert.equal(await ends('2026-03-28T22:00:00Z'), '2026-03-29T05:00:00.000Z', 'clocks go forward');
  assert.equal(await ends('2026-10-24T22:00:00Z'), '2026-10-25T06:00:00.000Z', 'clocks go back');
  assert.equal(await ends('2026-01-14T23:00:00Z', 'critical'), null, 'what is critical breaks the quiet');
  await sql`select backup.alert_rule_set('q', p_quiet => '12:00-13:00', p_quiet_breaks => 'none')`;
  assert.equal(await ends('2026-01-14T12:30:00Z', 'critical'), '2026-01-14T13:00:00.000Z');
  assert.equal(await ends('2026-01-14T13:00:00Z'), null);
});

test('in quiet hours nothing is told; what is still wrong afterwards is', async () => {
  await slackFor(ground, 'slack', null);
  // From an hour after now to five hours after now, at whatever time of the day the test runs.
  const [begin, end] = [minutes(60), minutes(300)].map((at) => at.toISOString().slice(11, 16));
  await sql`
    select backup.alert_rule_set('q', '{*}', p_channels => '{slack}', p_quiet => ${`${begin}-${end}`}, p_quiet_breaks => 'critical')`;
  await ground.alert('disk_is_full', 'warning', {});
  await ground.tick(minutes(180));
  assert.deepEqual(await kinds(), []);
  await ground.tick(minutes(305));
  assert.deepEqual(await kinds(), ['slack:open']);
});

test('rows that others write become problems from warning on, and end when they do not come again', async () => {
  await slackFor(ground);
  await ground.alert('replication_lag_high', 'high', { secret: 'x' }, 'lag of jane@example.com');
  await ground.alert('replication_lag_high', 'high', {});
  await ground.alert('deployment_done', 'info', {});
  await ground.alert('no_word_for_it', null, {});
  await ground.tick();
  const rows = await sql`select key, severity, occurrences, message from backup.problem order by key`;
  assert.deepEqual(
    rows.map((row) => ({ ...row })),
    [
      {
        key: 'alert:no_word_for_it',
        severity: 'warning',
        occurrences: 1,
        message: 'an alert of the type no_word_for_it: see public.system_health_alerts',
      },
      {
        key: 'alert:replication_lag_high',
        severity: 'critical',
        occurrences: 2,
        message: 'an alert of the type replication_lag_high: see public.system_health_alerts',
      },
    ],
  );
  await ground.tick(minutes(23 * 60));
  assert.equal((await kinds()).length, 2);
  await ground.tick(minutes(24 * 60 + 1));
  assert.deepEqual((await kinds()).slice(2), ['slack:resolved', 'slack:resolved']);
});

test('the owner may name types whose own words are said, scrubbed', async () => {
  await slackFor(ground);
  await sql`update backup.setting set value = '["replication_*"]' where name = 'alert_text_types'`;
  await ground.alert('replication_lag_high', 'warning', {}, 'lag is 300 MB, ask jane@example.com');
  await ground.tickAndDeliver();
  await sql`update backup.setting set value = '[]' where name = 'alert_text_types'`;
  assert.match(textsOf(ground.sink.received)[0]!, /lag is 300 MB, ask \*\*\*/);
});

test('the failure of a schedule and of its backup are one problem', async () => {
  await slackFor(ground);
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, stage) values ('daily_9', 'daily', 'failed', 'done')`;
  await ground.alert('backup_failed', 'critical', { ...FAILED, backup_id: 'daily_9' });
  await ground.alert('schedule_failed', 'critical', {
    schedule: 'daily-full',
    backup_id: 'daily_9',
    due_at: '2026-01-14T02:00:00+00:00',
  });
  await ground.tick();
  const rows = await sql`select key, occurrences, message from backup.problem`;
  assert.deepEqual(
    rows.map(({ key, occurrences }) => [key, occurrences]),
    [['backup:daily', 1]],
  );
  assert.match(rows[0]!.message, /^schedule daily-full failed at its time 2026-01-14/);
  await ground.alert('schedule_failed', 'critical', { schedule: 'weekly-critical' });
  await ground.tick();
  assert.deepEqual(await kinds(), ['slack:open', 'slack:open']);
});

test('good news goes to the rules that ask for it and to no pager', async () => {
  await slackFor(ground, 'slack', null);
  ground.env.set('ALERT_PD', 'k');
  await sql`select backup.alert_channel_set('pager', 'pagerduty', 'ALERT_PD')`;
  await sql`select backup.alert_rule_set('success', '{backup_completed}', 'info', '{slack,pager}')`;
  await ground.alert('backup_completed', 'info', {
    backup_id: 'daily_1',
    status: 'completed',
    stored_bytes: 2_000_000,
    location: 's3://b/x',
  });
  await ground.alert('other_news', 'info', {});
  await ground.tickAndDeliver();
  await ground.tickAndDeliver();
  assert.deepEqual(await kinds(), ['slack:notice']);
  assert.match(ground.sink.received[0]!.body, /\*Size\*\\n2\.0 MB.*\*Place\*\\ns3:\/\/b\/x/);
});

test('the week is told once, at its hour, with its numbers and what is open', async () => {
  await slackFor(ground, 'slack', null);
  await ground.alert('disk_is_full', 'warning', {});
  await ground.tick(); // before there is the rule: it may be a Monday
  await sql`select backup.alert_rule_set('digest', '{weekly_digest}', 'info', '{slack}')`;
  const monday = new Date('2027-01-04T00:00:00Z');
  const at = (hours: number) => new Date(monday.getTime() + hours * 3_600_000);
  for (const hours of [0, 7.9, 8, 8.1, 12, 31, 33, 60, 7 * 24, 7 * 24 + 8]) await ground.tick(at(hours));
  const rows =
    await sql`select subject, message ->> 'text' as text, message -> 'facts' as facts from backup.alert_delivery where kind = 'digest' order by 1`;
  assert.deepEqual(
    rows.map(({ subject }) => subject),
    ['digest:2027-W01', 'digest:2027-W02'],
  );
  assert.match(rows[1]!.text, /^no backup was completed; /);
  assert.deepEqual(Object.keys(rows[0]!.facts).sort(), [
    'backups_completed',
    'backups_failed',
    'drills_failed',
    'drills_passed',
    'open_problems',
    'verifications_failed',
    'verifications_passed',
    'week_bytes',
  ]);
});

test('two heartbeats at once tell it once', async () => {
  await slackFor(ground);
  for (let n = 0; n < 20; n++) await ground.alert('backup_failed', 'critical', { ...FAILED, backup_type: `t${n}` });
  const done = await Promise.all([1, 2, 3, 4].map(() => ground.tick()));
  assert.ok(done.some(({ read }) => read === 20));
  assert.equal((await kinds()).length, 20);
});

test('a row of a long transaction, with a time of before, is not missed', async () => {
  await slackFor(ground);
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let slow: Promise<unknown> = Promise.resolve();
  await new Promise<void>((inserted) => {
    slow = sql.begin(async (scope) => {
      await scope`insert into public.system_health_alerts (alert_type, severity) values ('slow_one', 'critical')`;
      inserted();
      await held;
    });
  });
  await ground.alert('fast_one', 'critical', {});
  await ground.tick();
  release();
  await slow;
  await ground.tick();
  assert.deepEqual(
    (await sql`select key from backup.problem order by key`).map(({ key }) => key),
    ['alert:fast_one', 'alert:slow_one'],
  );
});

test('a fallen heartbeat step, a missed time and a failed verification each have their own problem and end', async () => {
  await slackFor(ground);
  await completed('daily_7');
  await ground.alert('tick_step_failed', 'critical', { step: 'tick_schedules', code: '22012' });
  await ground.alert('schedule_missed', 'warning', { schedule: 'daily-full', missed: 3 });
  await ground.alert('backup_verification_failed', 'critical', {
    backup_id: 'daily_7',
    problems: [{ key: 'row data' }],
  });
  await ground.alert('backup_drill_failed', 'critical', { backup_id: 'daily_7' });
  await ground.tick();
  const open = async () =>
    (await sql`select key from backup.problem where state = 'open' order by key`).map(({ key }) => key);
  assert.deepEqual(await open(), [
    'drill',
    'schedule-missed:daily-full',
    'tick:tick_schedules',
    'verification:daily_7',
  ]);
  await ground.tick(minutes(75));
  assert.deepEqual(await open(), ['drill', 'schedule-missed:daily-full', 'verification:daily_7']);
  await completed('daily_8');
  await ground.tick();
  assert.equal((await open()).length, 3, 'a newer backup must be verified first');
  await sql`insert into public.backup_verification (backup_id, success, verification_date) values ('daily_8', true, clock_timestamp())`;
  await sql`insert into public.backup_tests (backup_id, test_type, success, completed_at) values ('daily_8', 'restore', true, clock_timestamp())`;
  await ground.tick();
  assert.deepEqual(await open(), ['schedule-missed:daily-full']);
});
