/** Whatever a row of system_health_alerts holds, no secret and no row data of it leaves the project. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type AlertGround, openAlertGround, slackFor } from './alert-harness.ts';

let ground: AlertGround;
before(async () => {
  ground = await openAlertGround();
});
after(() => ground?.stop());

const TYPES = [
  'backup_failed',
  'backup_completed',
  'backup_verification_failed',
  'backup_drill_failed',
  'schedule_failed',
  'schedule_blocked',
  'schedule_broken',
  'schedule_missed',
  'schedule_skipped',
  'tick_step_failed',
  'health_check_unhealthy',
  'somebody_elses_alert',
];
/** With a sign that no fact may have, as rows and error messages do; every one is findable. */
const planted = fc.stringMatching(/^[a-z]{3,8}$/).map((word) => `PLANTED{${word}}`);
const KNOWN_KEYS = [
  'backup_id',
  'schedule',
  'step',
  'status',
  'check',
  'location',
  'error_code',
  'due_at',
  'unit',
  'value',
];
const data = fc.dictionary(
  fc.oneof(
    fc.constantFrom(...KNOWN_KEYS, 'error', 'problems', 'reason', 'hint', 'row', 'errors'),
    fc.stringMatching(/^[a-z_]{1,12}$/),
  ),
  fc.oneof(planted, fc.array(planted), fc.record({ message: planted, code: planted, detail: planted })),
);
const row = fc.record({
  type: fc.constantFrom(...TYPES),
  severity: fc.constantFrom('info', 'warning', 'critical'),
  data,
  message: planted,
});

/** It says more than a chat does: keys, types and facts by their names. */
async function webhook(): Promise<void> {
  ground.env.set('ALERT_HOOK_KEY', `whsec_${Buffer.alloc(32, 7).toString('base64')}`);
  const settings = { url: `${ground.sink.url}/hook` };
  await ground.sql`select backup.alert_channel_set('hook', 'webhook', 'ALERT_HOOK_KEY', ${ground.sql.json(settings)})`;
}

test('planted secrets are in no message, whatever the type, the key or the depth', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 5, maxLength: 15 }), async (rows) => {
      await ground.reset();
      await slackFor(ground, 'slack', null);
      await webhook();
      await ground.sql`select backup.alert_rule_set('all', '{*}', 'info', '{slack,hook}')`;
      const secret = ground.env.get('ALERT_SLACK_URL')!;
      for (const { type, severity, data, message } of rows) await ground.alert(type, severity, data, message);
      await ground.tickAndDeliver();
      assert.ok(ground.sink.received.length > 0);
      const out = JSON.stringify(ground.sink.received.map(({ body }) => body));
      assert.ok(!out.includes('PLANTED'), out);
      const kept = JSON.stringify(await ground.sql`select message, error from backup.alert_delivery`);
      assert.ok(!kept.includes('PLANTED') && !kept.includes(secret), kept);
    }),
    { numRuns: 12 },
  );
});

test('a type that holds a secret is not said either', async () => {
  await ground.reset();
  await slackFor(ground);
  await webhook();
  await ground.sql`select backup.alert_rule_set('all', p_channels => '{slack,hook}')`;
  const key = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl';
  await ground.alert(key, 'critical', {});
  await ground.tickAndDeliver();
  assert.equal(ground.sink.received.length, 2);
  assert.ok(ground.sink.received.every(({ body }) => !body.includes('eyJ')));
});

test('an answer that repeats the address or the key is masked where it is kept', async () => {
  await ground.reset();
  await slackFor(ground);
  ground.env.set('ALERT_SLACK_URL', `${ground.sink.url}/services/T000/B000/very-secret-token-1`);
  ground.sink.answers.set('/services', { status: 400, body: 'no such hook: very-secret-token-1 for jane@example.com' });
  await ground.alert('backup_failed', 'critical', { backup_id: 'daily_1' });
  await ground.tickAndDeliver();
  assert.equal((await ground.deliveries())[0]!.error, 'ALERT_REFUSED: it answered 400: no such hook: *** for ***');
});
