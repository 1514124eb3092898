/** Each due time of a schedule is begun at most once, by whoever looks, and followed until its backup is verified. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type ScheduleProject, scheduleProject } from './schedule-harness.ts';

let project: ScheduleProject;

// 2026-01-14 is a Wednesday.
beforeEach(async () => {
  project = await scheduleProject('2026-01-14T00:00:00Z');
});
afterEach(() => project.close());

const times = (runs: { due_at: Date }[]) => runs.map(({ due_at }) => due_at.toISOString().slice(0, 16));
const states = (runs: { state: string }[]) => runs.map(({ state }) => state);

test('a due time is begun once, however many look at it at the same time and afterwards', async () => {
  const { sql } = project;
  const looks = Array.from({ length: 6 }, () => sql`select backup.start_due('daily-full', '2026-01-14T02:00:00.5Z')`);
  await Promise.all([...looks, project.serve('2026-01-14T02:00:01Z')]);
  await project.serve('2026-01-14T02:01:00Z');
  const runs = await project.runs('daily-full');
  assert.deepEqual([times(runs), states(runs), runs[0]!.made_up], [['2026-01-14T02:00'], ['running'], false]);
  const log = await sql`select backup_type, request from public.backup_log`;
  assert.deepEqual(
    [...log],
    [
      {
        backup_type: 'daily',
        request: { scope: 'full', cadence: 'daily', reason: 'schedule daily-full' },
      },
    ],
  );
});

test('a schedule succeeds when its backup is verified, not before', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.end('daily-full', 'copied');
  await project.serve('2026-01-14T02:05:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['verifying']);
  await project.end('daily-full', 'verified');
  await project.serve('2026-01-14T02:06:00Z');
  const [run] = await project.runs('daily-full');
  assert.deepEqual([run!.state, run!.ended_at!.toISOString()], ['succeeded', '2026-01-14T02:06:00.000Z']);
  const checks = Object.fromEntries(run!.checks.map(({ check, state }) => [check, state]));
  assert.deepEqual([checks.store, checks.keys, checks.settings], ['passed', 'passed', 'passed']);
  assert.deepEqual(await project.alerts('schedule_failed'), []);
});

test('with deep verification every byte is read before it counts', async () => {
  await project.sql`select backup.schedule_set('daily-full', p_deep_verification => true, p_now => '2026-01-14T01:00:00Z')`;
  await project.serve('2026-01-14T02:00:00Z');
  await project.end('daily-full', 'verified');
  await project.serve('2026-01-14T02:05:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['verifying']);
  const kinds =
    await project.sql`select details ->> 'kind' as kind from public.backup_verification order by verification_date`;
  assert.deepEqual(
    kinds.map(({ kind }) => kind),
    ['quick', 'deep'],
  );
  await project.end('daily-full', 'verified');
  await project.serve('2026-01-14T02:06:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['succeeded']);
});

test("a run's retries are the same due time; after three of them it has failed, and each failure in a row is louder", async () => {
  for (const [day, level] of [
    ['14', 1],
    ['15', 2],
  ] as const) {
    await project.serve(`2026-01-${day}T02:00:00Z`);
    for (const minute of ['01', '02', '03']) {
      await project.end('daily-full', 'transient');
      await project.serve(`2026-01-${day}T02:${minute}:00Z`);
    }
    const [waiting] = (await project.runs('daily-full')).slice(-1);
    assert.deepEqual([waiting!.state, waiting!.attempts], ['waiting', 3]);
    assert.equal(waiting!.reason, 'attempt 3 failed: the store did not answer');
    await project.serve(`2026-01-${day}T02:22:59Z`);
    assert.deepEqual(states((await project.runs('daily-full')).slice(-1)), ['waiting']);
    await project.serve(`2026-01-${day}T02:23:00Z`);
    assert.deepEqual(states((await project.runs('daily-full')).slice(-1)), ['running']);
    await project.end('daily-full', 'transient');
    await project.serve(`2026-01-${day}T02:30:00Z`);
    const [failed] = (await project.runs('daily-full')).slice(-1);
    assert.deepEqual([failed!.state, failed!.attempts], ['failed', 4]);
    const alerts = await project.alerts('schedule_failed');
    assert.equal(alerts.length, level);
    const { severity, event_data } = alerts.at(-1)!;
    assert.deepEqual(
      [severity, event_data.escalation_level, event_data.attempts, event_data.error_code, event_data.backup_id],
      ['critical', level, 4, 'STORE_UNAVAILABLE', failed!.backup_id],
    );
    const checks = Object.fromEntries(failed!.checks.map(({ check, state }) => [check, state]));
    assert.equal(checks.store, 'failed');
  }
  const chain = await project.sql`select attempt from public.backup_log order by started_at`;
  assert.deepEqual(
    chain.map(({ attempt }) => attempt),
    [1, 2, 3, 4, 1, 2, 3, 4],
  );
});

test('a failure that no retry can mend escalates at once', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.end('daily-full', 'permanent');
  await project.serve('2026-01-14T02:01:00Z');
  const [run] = await project.runs('daily-full');
  assert.deepEqual([run!.state, run!.attempts, run!.reason], ['failed', 1, 'the store did not answer']);
  assert.equal((await project.alerts('schedule_failed')).length, 1);
});

test('a backup whose verification fails is taken again', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.end('daily-full', 'damaged');
  await project.serve('2026-01-14T02:10:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['waiting']);
  await project.serve('2026-01-14T02:15:00Z');
  await project.end('daily-full', 'verified');
  await project.serve('2026-01-14T02:20:00Z');
  const [run] = await project.runs('daily-full');
  assert.deepEqual([run!.state, run!.attempts], ['succeeded', 2]);
});

test('a verification that could not be carried out is tried again, and never passes for a success', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.end('daily-full', 'unverifiable');
  for (let minute = 10; minute < 13; minute++) {
    await project.serve(`2026-01-14T02:${minute}:00Z`);
    assert.deepEqual(states(await project.runs('daily-full')), ['verifying']);
    await project.end('daily-full', 'unverifiable');
  }
  await project.serve('2026-01-14T02:20:00Z');
  const [run] = await project.runs('daily-full');
  assert.deepEqual([run!.state, run!.reason], ['failed', 'its verification could not be carried out']);
});

test('a run that an operator cancels is not tried again and wakes nobody', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.sql`select backup.cancel_run(backup_id) from public.backup_log`;
  await project.serve('2026-01-14T02:01:00Z');
  const [run] = await project.runs('daily-full');
  assert.deepEqual([run!.state, run!.reason], ['cancelled', 'cancelled by an operator']);
  assert.deepEqual(await project.alerts('schedule_failed'), []);
});

test('the next time waits while a run goes on and begins after it; a third takes the place of the second', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.serve('2026-01-15T02:00:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['running', 'waiting']);
  await project.serve('2026-01-16T02:00:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['running', 'superseded', 'waiting']);
  await project.end('daily-full', 'verified');
  await project.serve('2026-01-16T09:00:00Z');
  const runs = await project.runs('daily-full');
  assert.deepEqual(states(runs), ['succeeded', 'superseded', 'running']);
  assert.deepEqual([runs[2]!.made_up, runs[2]!.began_at!.toISOString()], [true, '2026-01-16T09:00:00.000Z']);
});

test('of several missed times the newest is made up, the others are written down, and one alert tells of them', async () => {
  await project.serve('2026-01-14T01:59:00Z');
  await project.serve('2026-01-18T20:00:00Z'); // the project was paused from Wednesday to Sunday
  await project.serve('2026-01-18T20:01:00Z');
  const runs = await project.runs('daily-full');
  assert.deepEqual(
    times(runs).map((time) => time.slice(8, 10)),
    ['14', '15', '16', '17', '18'],
  );
  assert.deepEqual(states(runs), ['superseded', 'superseded', 'superseded', 'superseded', 'running']);
  assert.equal(runs[4]!.made_up, true);
  const alerts = (await project.alerts('schedule_missed')).filter(
    ({ event_data }) => event_data.schedule === 'daily-full',
  );
  assert.deepEqual(
    alerts.map(({ severity, message }) => [severity, message]),
    [['warning', '5 times of schedule daily-full missed; the newest is made up']],
  );
});

test('what is later than its grace is skipped, not begun at a bad hour', async () => {
  await project.sql`select backup.schedule_set('daily-full', p_grace => '2 hours', p_now => '2026-01-14T01:00:00Z')`;
  await project.serve('2026-01-14T09:30:00Z');
  const [run] = await project.runs('daily-full');
  assert.deepEqual([run!.state, run!.reason], ['skipped', '07:30:00 late, more than its grace of 02:00:00']);
  assert.equal((await project.sql`select 1 from public.backup_log`).length, 0);
});

test('in a maintenance window nothing begins; what came due is made up afterwards, what runs goes on', async () => {
  const { sql } = project;
  await project.serve('2026-01-14T02:00:00Z');
  await sql`select backup.maintenance_set('2026-01-14T02:30:00Z', '2026-01-15T06:00:00Z', 'upgrade')`;
  await project.end('daily-full', 'verified');
  await project.serve('2026-01-14T03:00:00Z');
  await project.serve('2026-01-15T02:00:00Z');
  await project.serve('2026-01-15T05:59:00Z');
  let runs = await project.runs('daily-full');
  assert.deepEqual(states(runs), ['succeeded', 'waiting']);
  assert.equal(runs[1]!.reason, 'maintenance: upgrade');
  await project.serve('2026-01-15T06:00:00Z');
  runs = await project.runs('daily-full');
  assert.deepEqual([runs[1]!.state, runs[1]!.made_up, runs[1]!.reason], ['running', true, null]);
  assert.deepEqual(await project.alerts('schedule_missed'), []);
});

test('a window for some schedules holds only them, and ending it early lets them begin', async () => {
  const { sql } = project;
  const [window] = await sql`
    select backup.maintenance_set('2026-01-14T01:00:00Z', '2026-01-20T00:00:00Z', 'migration', array['daily-full']) as id`;
  await sql`select backup.schedule_set('monthly-full', p_cron => '0 2 * * *', p_enabled => true, p_now => '2026-01-14T01:00:00Z')`;
  await project.serve('2026-01-14T02:00:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['waiting']);
  assert.deepEqual(states(await project.runs('monthly-full')), ['running']);
  const end = (at: string) => sql`select backup.maintenance_end(${window!.id}, ${at}) as done`;
  assert.equal((await end('2026-01-14T08:00:00Z'))[0]!.done, true);
  assert.equal((await end('2026-01-14T08:00:00Z'))[0]!.done, false);
  await project.serve('2026-01-14T08:00:00Z');
  assert.deepEqual(states(await project.runs('daily-full')), ['running']);
});

test('a pause skips its times for good; a resumed schedule goes on with the next', async () => {
  const { sql } = project;
  await sql`select backup.schedule_pause('daily-full', '2026-01-16T12:00:00Z', '2026-01-14T01:00:00Z')`;
  await project.serve('2026-01-14T02:00:00Z');
  await project.serve('2026-01-17T03:00:00Z'); // nobody looked when the pause ended either
  let runs = await project.runs('daily-full');
  assert.deepEqual(states(runs), ['skipped', 'skipped', 'skipped', 'running']);
  assert.deepEqual(
    runs.map(({ reason }) => reason),
    ['paused', 'paused', 'paused', null],
  );
  await project.end('daily-full', 'verified');
  await sql`select backup.schedule_pause('daily-full', p_now => '2026-01-17T04:00:00Z')`;
  await project.serve('2026-01-18T02:00:00Z');
  await sql`select backup.schedule_resume('daily-full', '2026-01-18T03:00:00Z')`;
  await project.serve('2026-01-18T04:00:00Z');
  await project.serve('2026-01-19T02:00:00Z');
  runs = await project.runs('daily-full');
  assert.deepEqual(states(runs).slice(3), ['succeeded', 'skipped', 'running']);
});

test('a changed time counts from the change on, and nothing is begun twice or for the past', async () => {
  await project.serve('2026-01-14T02:00:00Z');
  await project.end('daily-full', 'verified');
  await project.sql`select backup.schedule_set('daily-full', p_cron => ' 30  1 * * * ', p_now => '2026-01-14T03:00:00Z')`;
  await project.serve('2026-01-14T04:00:00Z');
  await project.serve('2026-01-15T01:30:00Z');
  assert.deepEqual(times(await project.runs('daily-full')), ['2026-01-14T02:00', '2026-01-15T01:30']);
});

test('a schedule of every minute after a year of silence: one look is short, begins one run and keeps what is recent', async () => {
  const { sql } = project;
  await sql`
    select backup.schedule_set('each-minute', p_work => 'backup', p_cron => '* * * * *', p_cadence => 'hourly',
      p_now => '2025-01-14T02:00:00Z')`;
  const began = performance.now();
  await project.serve('2026-01-14T02:00:00Z');
  assert.ok(performance.now() - began < 30_000);
  const [counted] = await sql`
    select count(*)::int as all, count(*) filter (where state = 'running')::int as running, max(due_at) as newest
    from backup.schedule_run where name = 'each-minute'`;
  assert.deepEqual([counted!.all, counted!.running], [10_000, 1]);
  assert.equal(counted!.newest.toISOString(), '2026-01-14T02:00:00.000Z');
});

test('a limit of the plan that is no number is not known, and keeps no backup from beginning', async () => {
  const { sql } = project;
  await sql`update backup.setting set value = '"8 GB"' where name = 'plan_database_bytes'`;
  await project.serve('2026-01-14T02:00:00Z');
  const [run] = await project.runs('daily-full');
  assert.equal(run!.state, 'running');
  assert.equal(run!.checks.find(({ check }) => check === 'database_size')?.state, 'inconclusive');
});

test('a drill takes no backup of some rows', async () => {
  const { sql } = project;
  const add = (id: string, request: object, hour: number) => sql`
    insert into public.backup_log (backup_id, backup_type, folder, started_at, status, request)
    values (${id}, 'weekly', ${id}, ${`2026-01-14T0${hour}:00:00Z`}, 'completed', ${sql.json(request as never)})`;
  await add('weekly_whole', { scope: 'full' }, 1);
  await add('weekly_rows', { scope: 'full', where: [{ table: 'public.bookings' }] }, 2);
  const [row] = await sql`select backup.drill_subject('weekly') as id`;
  assert.equal(row!.id, 'weekly_whole');
});
