/** Setting channels and rules up: what is refused, and that nothing secret gets into the database. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { runScript } from '../../support/run-script.ts';
import { createTestDatabase } from '../../support/template-database.ts';
import { type AlertGround, openAlertGround, slackFor } from './alert-harness.ts';

let ground: AlertGround;
let sql: Sql;
before(async () => {
  ground = await openAlertGround();
  sql = ground.sql;
});
beforeEach(() => ground.reset());
after(() => ground?.stop());

const MAIL = { from: 'b@example.com', to: ['a@example.com'] };
const REFUSED: [string, string, string, object, RegExp][] = [
  ['an unknown kind', 'smtp', 'ALERT_X', {}, /unknown kind of channel: smtp/],
  [
    'a secret instead of its name',
    'slack',
    'https://hooks.slack.com/services/secret',
    {},
    /must be the name of a function secret/,
  ],
  ['another variable of the functions', 'slack', 'SUPABASE_SERVICE_ROLE_KEY', {}, /ALERT_/],
  ['a setting that may be a secret', 'slack', 'ALERT_X', { url: 'https://x' }, /has no setting url/],
  ['a mail without addresses', 'resend', 'ALERT_X', { from: 'b@example.com' }, /needs the setting to/],
  ['a list that is none', 'resend', 'ALERT_X', { from: 'b@example.com', to: 'a@example.com' }, /list of 1 to 50/],
  ['plain http', 'webhook', 'ALERT_X', { url: 'http://example.com' }, /begin with https/],
  ['a password in an address', 'webhook', 'ALERT_X', { url: 'https://u:p@example.com/' }, /no user or password/],
  ['a webhook that goes nowhere', 'webhook', 'ALERT_X', {}, /needs url/],
  ['an address of base_url that is none', 'pagerduty', 'ALERT_X', { base_url: 'file:///etc' }, /begin with https/],
  ['a region that is none', 'sendgrid', 'ALERT_X', { ...MAIL, region: 'mars' }, /us or eu/],
  ['a domain that is a path', 'mailgun', 'ALERT_X', { ...MAIL, domain: 'a/../b' }, /host name/],
  ['a mode that is none', 'ping', 'ALERT_X', { mode: 'often' }, /problems, heartbeat or runs/],
  ['an interval of half a minute', 'ping', 'ALERT_X', { mode: 'heartbeat', every_minutes: 0.5 }, /from 1 to 1440/],
];
for (const [title, kind, secret, settings, message] of REFUSED) {
  test(`a channel is refused with ${title}`, async () => {
    await assert.rejects(
      sql`select backup.alert_channel_set('c', ${kind}, ${secret}, ${sql.json(settings as never)})`,
      (error: Error) => {
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hooks\.slack|u:p/);
        return true;
      },
    );
    assert.equal((await sql`select from backup.alert_channel`).length, 0);
  });
}

test('fallbacks do not go in circles and lead to channels that exist', async () => {
  for (const name of ['a', 'b', 'c']) await slackFor(ground, name, null);
  await sql`select backup.alert_channel_set('a', p_fallback => 'b')`;
  await sql`select backup.alert_channel_set('b', p_fallback => 'c')`;
  await assert.rejects(sql`select backup.alert_channel_set('c', p_fallback => 'a')`, /in a circle: c > a > b > c/);
  await assert.rejects(sql`select backup.alert_channel_set('c', p_fallback => 'c')`, /in a circle/);
  await assert.rejects(sql`select backup.alert_channel_set('c', p_fallback => 'd')`, /no channel d/);
  await sql`select backup.alert_channel_set('a', p_fallback => '')`;
  assert.deepEqual(
    (await sql`select fallback from backup.alert_channel order by name`).map((row) => row.fallback),
    [null, 'c', null],
  );
});

test('a channel changes the settings that are given and leaves the rest; null takes one away', async () => {
  const set = async (args: string) => {
    const [row] = await sql.unsafe(`select (backup.alert_channel_set(${args})).settings as settings`);
    return row!.settings;
  };
  await set(`'alive', 'ping', 'ALERT_PING_URL', '{"mode": "runs"}'`);
  assert.deepEqual(await set(`'alive', p_settings => '{"schedule": "daily-full"}'`), {
    mode: 'runs',
    schedule: 'daily-full',
  });
  assert.deepEqual(await set(`'alive', 'ping', p_enabled => true`), { mode: 'runs', schedule: 'daily-full' });
  assert.deepEqual(await set(`'alive', p_settings => '{"schedule": null, "mode": "heartbeat"}'`), {
    mode: 'heartbeat',
  });
  assert.deepEqual(await set(`'alive', 'pagerduty', p_settings => '{"base_url": "https://example.com"}'`), {
    base_url: 'https://example.com',
  });
  assert.deepEqual(await set(`'alive', 'slack'`), {}, 'settings of another kind are gone');

  const mail = '{"from": "b@example.com", "to": ["a@example.com", "z@example.com"]}';
  await set(`'mail', 'resend', 'ALERT_KEY', '${mail}'`);
  assert.deepEqual(await set(`'mail', p_settings => '{"to": ["c@example.com"]}'`), {
    from: 'b@example.com',
    to: ['c@example.com'],
  });
  await assert.rejects(set(`'mail', p_settings => '{"to": null}'`), /needs the setting to/);
  await assert.rejects(set(`'mail', p_settings => '{"mode": "runs"}'`), /has no setting mode/);

  await set(`'hook', 'webhook', 'ALERT_KEY', '{"url": "https://example.com/a"}'`);
  assert.deepEqual(await set(`'hook', p_settings => '{"url_secret_name": "ALERT_URL"}'`), {
    url_secret_name: 'ALERT_URL',
  });
  assert.deepEqual(await set(`'hook', p_settings => '{"url": "https://example.com/b"}'`), {
    url: 'https://example.com/b',
  });
  await assert.rejects(
    set(`'hook', p_settings => '{"url": "https://example.com/c", "url_secret_name": "ALERT_URL"}'`),
    /a webhook needs url, or url_secret_name/,
  );
});

test('a rule changes what is given and leaves the rest; nonsense is refused', async () => {
  await slackFor(ground);
  await sql`select backup.alert_rule_set('all', p_repeat_every => '6 hours', p_quiet => '22:00-07:00 Europe/Berlin', p_min_occurrences => 3)`;
  await sql`select backup.alert_rule_set('all', p_min_severity => 'critical')`;
  const read = async () =>
    (
      await sql`select min_severity, repeat_every::text, quiet_zone, min_occurrences, channels from backup.alert_rule`
    )[0]!;
  assert.deepEqual(
    { ...(await read()) },
    {
      min_severity: 'critical',
      repeat_every: '06:00:00',
      quiet_zone: 'Europe/Berlin',
      min_occurrences: 3,
      channels: ['slack'],
    },
  );
  await sql`select backup.alert_rule_set('all', p_repeat_every => '0', p_quiet => 'none')`;
  assert.equal((await read()).repeat_every, null);
  for (const [statement, message] of [
    [sql`select backup.alert_rule_set('all', p_channels => '{nobody}')`, /no channel nobody/],
    [sql`select backup.alert_rule_set('all', p_quiet => 'at night')`, /quiet hours must look like/],
    [sql`select backup.alert_rule_set('all', p_quiet => '22:00-07:00 Mars/Base')`, /unknown time zone/],
    [sql`select backup.alert_rule_set('all', p_min_severity => 'bad')`, /unknown severity/],
    [sql`select backup.alert_rule_set('all', p_escalate_after => '1 hour')`, /needs both/],
    [sql`select backup.alert_rule_set('all', p_types => '{}')`, /needs alert types/],
    [sql`select backup.alert_rule_set('all', p_quiet => '07:00-07:00')`, /alert_rule_quiet_window/],
    [sql`select backup.alert_rule_set('new')`, /needs p_types and p_channels/],
  ] as const) {
    await assert.rejects(statement as unknown as Promise<unknown>, message);
  }
});

test('the presets do nothing until a channel of the name exists, and then what they say', async () => {
  const database = await createTestDatabase({ major: 17, template: 'holdfast' });
  const fresh = openDriver(database.url, {
    max: 1,
    applicationName: 'presets',
    platform: nodePlatform,
  }) as unknown as Sql;
  try {
    await fresh`insert into public.system_health_alerts (alert_type, severity, event_data) values ('backup_failed', 'critical', '{"backup_type": "daily"}')`;
    await fresh`select backup.tick_alerts()`;
    assert.equal((await fresh`select from backup.alert_delivery`).length, 0);
    await fresh`select backup.alert_channel_set('slack', 'slack', 'ALERT_SLACK_URL')`;
    await fresh`select backup.tick_alerts()`;
    assert.deepEqual(
      (await fresh`select channel, kind from backup.alert_delivery`).map((row) => ({ ...row })),
      [{ channel: 'slack', kind: 'open' }],
    );
  } finally {
    await fresh.end();
    await database.drop();
  }
});

test('no API role reads channels, problems or deliveries, or sets anything', async () => {
  for (const role of ['anon', 'authenticated', 'service_role']) {
    for (const statement of [
      'select * from backup.alert_channel',
      'select * from backup.problem',
      "select backup.alert_test('slack')",
    ]) {
      await assert.rejects(
        sql.begin(async (scope) => {
          await scope.unsafe(`set local role ${role}`);
          await scope.unsafe(statement);
        }),
        { code: '42501' },
      );
    }
  }
});

test('the command sets channels and rules up, lists, tests, and has exit codes', async () => {
  const env = { DATABASE_URL: ground.database.url };
  const alerts = (...args: string[]) => runScript('alerts.ts', args, env);
  const set = await alerts(
    'channel',
    'set',
    'email',
    '--kind',
    'resend',
    '--secret-name',
    'ALERT_RESEND_KEY',
    '--setting',
    'from=b@example.com',
    '--setting',
    'to=a@example.com',
    '--setting',
    'to=z@example.com',
    '--json',
  );
  assert.equal(set.code, 0, set.stderr);
  assert.deepEqual(JSON.parse(set.stdout).settings, { from: 'b@example.com', to: ['a@example.com', 'z@example.com'] });
  const changed = await alerts('channel', 'set', 'email', '--setting', 'base_url=https://mail.example.com', '--json');
  assert.deepEqual(JSON.parse(changed.stdout).settings, {
    from: 'b@example.com',
    to: ['a@example.com', 'z@example.com'],
    base_url: 'https://mail.example.com',
  });
  const without = await alerts('channel', 'set', 'email', '--setting', 'base_url=', '--json');
  assert.deepEqual(JSON.parse(without.stdout).settings, {
    from: 'b@example.com',
    to: ['a@example.com', 'z@example.com'],
  });
  const rule = await alerts(
    'rule',
    'set',
    'mail',
    '--types',
    'backup_*,health:pg_cron',
    '--channels',
    'email',
    '--repeat',
    '6 hours',
    '--no-resolved',
  );
  assert.equal(rule.code, 0, rule.stderr);
  await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1', backup_type: 'daily' });
  await ground.tick();
  const listed = await alerts('list', '--json');
  const { channels, rules, problems, deliveries } = JSON.parse(listed.stdout);
  assert.deepEqual(
    [channels.length, rules[0].repeat_every, rules[0].send_resolved, problems[0].key, deliveries[0].state],
    [1, '06:00:00', false, 'backup:daily', 'pending'],
  );
  const shown = await alerts('list');
  assert.match(shown.stdout, /email +resend +ALERT_RESEND_KEY/);
  assert.match(shown.stdout, /again every 6 hours/);
  assert.match((await alerts('problems')).stdout, /critical {2}backup:daily: backup daily_1 failed/);
  const silent = await alerts('test', 'email', '--wait', '1');
  assert.equal(silent.code, 1);
  assert.match(silent.stdout, /email: pending .*npm run doctor/);
  const waiting = alerts('test', 'email', '--wait', '30', '--json');
  for (
    let n = 0;
    n < 250 && (await sql`select from backup.alert_delivery where subject like 'test:%'`).length < 2;
    n++
  ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await ground.deliver();
  const refused = await waiting;
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /ALERT_SECRET_MISSING: the function secret ALERT_RESEND_KEY is not set/);
  for (const args of [
    ['test', 'nobody'],
    ['rule', 'set', 'mail', '--quiet', 'never'],
    ['channel', 'remove', 'nobody'],
    ['sing'],
    ['rule'],
    ['channel'],
    ['rule', 'set', 'mail', '--min-severity', 'huge'],
    ['rule', 'set', 'mail', '--min-occurrences', '1.5'],
    ['rule', 'set', 'mail', '--repeat', 'soon'],
    ['channel', 'set', 'new', '--kind', 'slack'],
    [],
  ]) {
    const wrong = await alerts(...args, '--json');
    assert.equal(wrong.code, 2, `${args.join(' ')}: ${wrong.stdout}${wrong.stderr}`);
    const { error } = JSON.parse(wrong.stdout);
    assert.ok(error.hint.length > 5);
    assert.doesNotMatch(`${error.message} ${error.hint}`, /outputHelp|\bp_[a-z]/, 'words of the command, not of SQL');
  }
  assert.equal((await alerts('--help')).code, 0);
  assert.equal((await runScript('alerts.ts', ['list'], {})).code, 2);
  assert.equal((await alerts('channel', 'remove', 'email')).code, 0);
});
