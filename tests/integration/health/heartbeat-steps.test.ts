/** A step of the heartbeat that fails, the one that tells of problems among them: the health check and the doctor say so. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { runDoctor } from '../../../scripts/cli/doctor/run-doctor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, later, openAs } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
});
const rename = (from: string, to: string) => sql.unsafe(`alter function backup.${from}(timestamptz) rename to ${to}`);
const mend = async () => {
  const [away] = await sql`select from pg_catalog.pg_proc where proname = 'tick_alerts_away'`;
  if (away) await rename('tick_alerts_away', 'tick_alerts');
};
afterEach(async () => {
  await mend();
  await sql`select backup.run_tick_steps()`;
});
after(async () => {
  await sql?.end();
  await database?.drop();
});

interface Found {
  readonly name: string;
  readonly state: string;
  readonly message: string;
  readonly mend: string | null;
}

/** What the doctor says of steps. */
async function doctor(): Promise<Found[]> {
  let stdout = '';
  await runDoctor({
    args: ['--json', '--only', 'schedule'],
    environment: (name) => (name === 'DATABASE_URL' ? database.url : undefined),
    terminal: { stdout: { write: (text: string) => (stdout += text) }, stderr: { write: () => {} } },
  });
  const { findings } = JSON.parse(stdout) as { findings: Found[] };
  return findings.filter(({ name }) => name.startsWith('step'));
}

const MINUTES = 1 / 60;
const state = async (minutes = 0) => (await ask(sql, 'heartbeat_steps', { now: later(minutes * MINUTES) })).state;

test('a heartbeat whose steps all work is healthy, and the doctor says so', async () => {
  await sql`select backup.tick()`;
  const line = await ask(sql, 'heartbeat_steps');
  assert.deepEqual([line.state, line.value, line.threshold], ['healthy', 0, 3]);
  assert.match(line.detail, /^\d+ steps, none fails$/);
  assert.deepEqual(
    (await doctor()).map((found) => [found.state, found.name]),
    [['ok', 'steps of the heartbeat']],
  );
});

test('the step that tells of problems is gone: the check, the table, the metrics and the doctor know, until it is back', async () => {
  await rename('tick_alerts', 'tick_alerts_away');
  await sql`select backup.tick()`;
  assert.equal(await state(), 'healthy', 'one bad minute is no lasting failure');
  await sql`select backup.tick()`;
  const line = await ask(sql, 'heartbeat_steps', { now: later(5 * MINUTES) });
  assert.deepEqual([line.state, line.severity], ['unhealthy', 'critical']);
  assert.equal(line.detail, 'tick_alerts has failed for 5 minutes (42883)');
  assert.match(line.todo, /select name, error from backup\.tick_step/);
  const [found, ...others] = await doctor();
  assert.deepEqual([others.length, found!.state, found!.name], [0, 'problem', 'step tick_alerts']);
  assert.match(found!.message, /^fails since 20\d\d-[\d: -]+ UTC: function backup\.tick_alerts\(\) does not exist$/);
  await assert.rejects(sql.unsafe(found!.mend!), /does not exist/, 'what mends it says what is wrong');

  await mend();
  await sql`select backup.tick()`;
  assert.equal(await state(5), 'healthy');
  assert.deepEqual(
    (await doctor()).map((ok) => ok.state),
    ['ok'],
  );
  assert.equal((await sql`select from backup.tick_step where error is not null or error_code is not null`).length, 0);
});

test('the heartbeat writes it down by itself, where no function evaluates anything', async () => {
  await rename('tick_alerts', 'tick_alerts_away');
  await sql`select backup.run_tick_steps()`;
  await sql`update backup.tick_step set failing_since = failing_since - interval '10 minutes' where name = 'tick_alerts'`;
  const before = await sql`select failing_since from backup.tick_step where name = 'tick_alerts'`;
  await sql`select backup.run_tick_steps()`;
  assert.deepEqual(
    await sql`select failing_since from backup.tick_step where name = 'tick_alerts'`,
    before,
    'it has failed since then',
  );
  const [row] = await sql`select state, detail from backup.health_state where check_name = 'heartbeat_steps'`;
  assert.equal(row!.state, 'unhealthy');
  assert.match(row!.detail, /^tick_alerts has failed for 1\d minutes/);
  const [alert] = await sql`
    select severity from public.system_health_alerts
    where alert_type = 'health_check_unhealthy' and event_data ->> 'check' = 'heartbeat_steps'`;
  assert.equal(alert!.severity, 'critical');
});

test('what a failure says stays in the database: it may hold rows', async () => {
  await sql`
    create function backup.leaky_step() returns void language plpgsql set search_path = '' as
    $$ begin raise exception 'row of somebody@example.com'; end $$`;
  await sql`insert into backup.tick_step (name, position) values ('leaky_step', 1)`;
  try {
    await sql`select backup.run_tick_steps()`;
    const line = await ask(sql, 'heartbeat_steps', { now: later(5 * MINUTES) });
    assert.equal(line.detail, 'leaky_step has failed for 5 minutes (P0001)');
    assert.doesNotMatch(JSON.stringify(line), /somebody/);
    assert.match((await doctor())[0]!.message, /row of somebody@example\.com/);
  } finally {
    await sql`delete from backup.tick_step where name = 'leaky_step'`;
    await sql`drop function backup.leaky_step()`;
  }
});
