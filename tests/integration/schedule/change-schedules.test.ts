/** Presets, what operators may set, the pg_cron jobs that come of it, and the checks before a run. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import postgres from 'postgres';
import { createTestDatabase } from '../../support/template-database.ts';
import { type ScheduleProject, scheduleProject } from './schedule-harness.ts';

let project: ScheduleProject;
let sql: postgres.Sql;

beforeEach(async () => {
  project = await scheduleProject('2026-01-14T00:00:00Z');
  sql = project.sql;
});
afterEach(() => project.close());

const ownJobs = async (on: postgres.Sql) =>
  (await on`select jobname, schedule, command from cron.job where command like '%start_due%' order by 1`).map(
    (job) => ({
      ...job,
    }),
  );
const DAILY = {
  jobname: 'holdfast-daily-full',
  schedule: '0 2 * * *',
  command: "select backup.start_due('daily-full')",
};
const WEEKLY = {
  jobname: 'holdfast-weekly-critical',
  schedule: '0 3 * * 0',
  command: "select backup.start_due('weekly-critical')",
};

async function asAdmin(statement: string): Promise<void> {
  const admin = postgres(project.adminUrl, { max: 1, onnotice: () => {} });
  await admin.unsafe(statement);
  await admin.end();
}

test('a project that is not configured yet is left in peace, and owes nothing once it is', async () => {
  const fresh = await createTestDatabase({ major: 17, template: 'holdfast' });
  const own = postgres(fresh.url, { max: 1, onnotice: () => {} });
  try {
    await own`update backup.schedule set checked_until = now() - interval '30 days'`;
    for (let round = 0; round < 3; round++) await own`select backup.tick()`;
    assert.deepEqual(await ownJobs(own), []);
    await own`update backup.schedule set checked_until = now() - interval '30 days'`;
    await own`select backup.configure('http://project.example/functions/v1')`;
    assert.deepEqual(await ownJobs(own), [DAILY, WEEKLY]);
    await own`select backup.tick()`;
    assert.equal((await own`select 1 from backup.schedule_run`).length, 0);
    assert.equal((await own`select 1 from public.system_health_alerts where alert_type like 'schedule%'`).length, 0);
  } finally {
    await own.end();
    await fresh.drop();
  }
});

test('the presets are those of the backup plans', async () => {
  const rows = await sql`
    select name, work, cadence, scope, cron, enabled, available, retention from backup.schedule order by name`;
  assert.deepEqual(
    rows.map((row) => Object.values(row).join(' | ')),
    [
      'daily-full | backup | daily | full | 0 2 * * * | true | true | 30 days',
      'hourly-incremental | increment | hourly | full | 0 * * * * | false | false | 24 hours',
      'monthly-drill | drill | monthly | full | 0 6 2 * * | false | true | ',
      'monthly-full | backup | monthly | full | 0 4 1 * * | false | true | 1 year',
      'weekly-critical | backup | weekly | critical | 0 3 * * 0 | true | true | 3 months',
      'weekly-drill | drill | weekly | full | 0 6 * * 0 | false | true | ',
      'yearly-archive | archive | yearly | full | 0 5 1 1 * | false | false | 7 years',
    ],
  );
});

test('pg_cron has a job for each schedule that is on, follows every change, and heals', async () => {
  assert.deepEqual(await ownJobs(sql), [DAILY, WEEKLY]);
  await sql`select backup.schedule_set('daily-full', p_cron => '15 1 * * *')`;
  await sql`select backup.schedule_set('weekly-critical', p_enabled => false)`;
  assert.deepEqual(await ownJobs(sql), [{ ...DAILY, schedule: '15 1 * * *' }]);
  await sql`select cron.schedule('holdfast-mine', '0 0 * * *', 'select 1')`;
  await sql`select cron.unschedule('holdfast-daily-full')`;
  await sql`select cron.schedule('holdfast-gone', '0 0 * * *', 'select backup.start_due(''gone'')')`;
  await sql`select backup.tick()`;
  assert.deepEqual(await ownJobs(sql), [{ ...DAILY, schedule: '15 1 * * *' }]);
  assert.equal((await sql`select 1 from cron.job where jobname in ('holdfast-mine', 'holdfast-tick')`).length, 2);
  await sql`select cron.schedule('holdfast-daily-full', '0 0 * * *', 'select backup.start_due(''daily-full'')')`;
  assert.equal((await sql`select backup.materialise_schedules() as changed`)[0]!.changed, 1);
  assert.equal((await sql`select backup.materialise_schedules() as changed`)[0]!.changed, 0);
});

test('without pg_cron the heartbeat alone begins what is due', async () => {
  await asAdmin('drop schema cron cascade');
  await sql`update backup.schedule set checked_until = now() - interval '25 hours' where name = 'daily-full'`;
  const [row] = await sql`select backup.tick() as done`;
  assert.deepEqual(row!.done.steps.tick_schedules, { failed: {}, cron_jobs_changed: 0 });
  assert.equal((await project.runs('daily-full')).at(-1)!.state, 'running');
});

test('a new schedule is made with its work, time and cadence, and runs with what was asked for', async () => {
  await sql`
    select backup.schedule_set('evening-tables', p_work => 'backup', p_cron => '0 20 * * mon-fri', p_cadence => 'daily',
      p_scope => 'tables', p_request => '{"tables": ["public.bookings"]}', p_codec => 'gzip', p_format => 'json',
      p_retention => '14 days', p_now => '2026-01-14T12:00:00Z')`;
  await project.serve('2026-01-14T20:00:00Z');
  const [log] = await sql`select request from public.backup_log where request ->> 'reason' like '%evening-tables'`;
  assert.deepEqual(log!.request, {
    scope: 'tables',
    cadence: 'daily',
    reason: 'schedule evening-tables',
    tables: ['public.bookings'],
    codec: 'gzip',
    format: 'json',
  });
});

const REFUSED: readonly (readonly [string, string, RegExp, RegExp])[] = [
  ["'daily', p_enabled => false", 'P0002', /there is no schedule daily$/, /daily-full, hourly-incremental/],
  ["'daily-full', p_cron => '0 25 * * *'", '22023', /hour of a cron expression/, /Fields/],
  ["'hourly-incremental', p_enabled => true", '55000', /\(increment\) is not installed/, /migrations/],
  ["'yearly-archive', p_enabled => true", '55000', /\(archive\) is not installed/, /migrations/],
  ["'daily-full', p_retention => 'a while'", '22023', /retention .*: a while/, /30 days/],
  ["'daily-full', p_retention => '-1 day'", '22023', /retention .*: -1 day/, /30 days/],
  ["'daily-full', p_codec => 'rar'", '22023', /unknown codec or format: rar/, /zstd/],
  ["'daily-full', p_scope => 'some'", '22023', /unknown scope: some/, /critical/],
  ["'daily-full', p_scope => 'tables'", '22023', /list of tables belongs to the scope tables/, /public\.bookings/],
  ["'daily-full', p_cadence => 'often'", '22023', /unknown cadence: often/, /hourly/],
  ["'daily-full', p_stores => '{moon}'", '22023', /unknown store: moon/, /primary/],
  ["'daily-full', p_stores => '{}'", '22023', /unknown store: none is named/, /primary/],
  ["'daily-full', p_grace => '0'", '22023', /above nothing/, /2 hours/],
  ["'daily-full', p_grace => 'infinity'", '22023', /end some day/, /2 hours/],
  ["'daily-full', p_retention => 'infinity'", '22023', /retention .*: infinity/, /30 days/],
  ["'daily-full', p_request => '[]'", '22023', /must be an object: \[\]/, /tables/],
  ["null, p_work => 'backup', p_cron => '0 2 * * *', p_cadence => 'daily'", '22023', /words of a-z/, /evening-full/],
  ["'evening', p_cron => '0 2 * * *'", 'P0002', /there is no schedule evening/, /--work, --cadence, --cron/],
  ["'daily-full', p_work => 'drill'", '22023', /does not change: daily-full does backup/, /another name/],
  ["'Daily', p_work => 'backup', p_cron => '0 2 * * *', p_cadence => 'daily'", '22023', /words of a-z/, /evening-full/],
  ["'tick', p_work => 'backup', p_cron => '0 2 * * *', p_cadence => 'daily'", '22023', /words of a-z/, /taken/],
  ["'x', p_work => 'increment', p_cron => '0 2 * * *', p_cadence => 'daily'", '22023', /backups or drills/, /p_work/],
  ["'x', p_work => 'backup', p_cron => '0 2 * * *'", '22023', /needs its cadence/, /retention/],
];

test('many who put pg_cron right at the same time neither fail nor double its jobs', async () => {
  await sql`select cron.unschedule('holdfast-daily-full')`;
  for (const name of ['a', 'b', 'c'])
    await sql`select cron.schedule(${`holdfast-gone-${name}`}, '0 1 * * *', ${`select backup.start_due('gone-${name}')`})`;
  const changed = await Promise.all(
    Array.from({ length: 6 }, () => sql`select backup.materialise_schedules() as changed`),
  );
  assert.deepEqual(changed.map(([row]) => row!.changed).sort(), [0, 0, 0, 0, 0, 4]);
  const jobs = await sql`select jobname from cron.job where command like 'select backup.start_due(%' order by 1`;
  assert.deepEqual(
    jobs.map(({ jobname }) => jobname),
    ['holdfast-daily-full', 'holdfast-weekly-critical'],
  );
});

test('what cannot be is refused with its reason and what to do, and changes nothing', async () => {
  const before = await sql`select * from backup.schedule order by name`;
  for (const [args, code, message, hint] of REFUSED) {
    await assert.rejects(
      sql.unsafe(`select backup.schedule_set(${args})`),
      (error: postgres.PostgresError) => {
        assert.equal(error.code, code, args);
        assert.match(error.message, message);
        assert.match(error.hint ?? '', hint);
        return true;
      },
      args,
    );
  }
  await assert.rejects(sql`select backup.schedule_pause('daily-full', '2020-01-01')`, /must end in the future/);
  await assert.rejects(sql`select backup.schedule_pause('daily-full', null)`, /must end in the future, or never: null/);
  await assert.rejects(sql`select backup.maintenance_set('2026-01-02', '2026-01-01', 'x')`, /must end after it starts/);
  await assert.rejects(sql`select backup.maintenance_set('2026-01-01', '2026-01-02', ' ')`, /must have a reason/);
  await assert.rejects(
    sql`select backup.maintenance_set('2026-01-01', '2026-01-02', 'x', '{nightly}')`,
    /there is no schedule nightly/,
  );
  await assert.rejects(sql`select * from backup.schedule_next(p_count => 0)`, /from 1 to 1000/);
  assert.deepEqual([...(await sql`select * from backup.schedule order by name`)], [...before]);
});

test('the next times say what will hold them', async () => {
  await sql`select backup.maintenance_set('2026-01-15T00:00:00Z', '2026-01-15T03:00:00Z', 'upgrade')`;
  await sql`select backup.schedule_pause('weekly-critical', '2026-01-20T00:00:00Z', '2026-01-14T00:00:00Z')`;
  const rows = await sql`select * from backup.schedule_next(null, 7, '2026-01-14T01:00:00Z')`;
  assert.deepEqual(
    rows.map(({ name, due_at, note }) => [name, due_at.toISOString().slice(0, 16), note]),
    [
      ['daily-full', '2026-01-14T02:00', null],
      ['daily-full', '2026-01-15T02:00', 'maintenance: upgrade'],
      ['daily-full', '2026-01-16T02:00', null],
      ['daily-full', '2026-01-17T02:00', null],
      ['daily-full', '2026-01-18T02:00', null],
      ['weekly-critical', '2026-01-18T03:00', 'paused'],
      ['daily-full', '2026-01-19T02:00', null],
    ],
  );
  const off = await sql`select * from backup.schedule_next('yearly-archive', 2, '2026-01-14T01:00:00Z')`;
  assert.deepEqual(
    off.map(({ due_at, note }) => [due_at.toISOString(), note]),
    [
      ['2027-01-01T05:00:00.000Z', 'not installed'],
      ['2028-01-01T05:00:00.000Z', 'not installed'],
    ],
  );
});

test('a backup that cannot begin waits, says why once, and begins when it can', async () => {
  await asAdmin('alter schema net rename to net_away');
  await project.serve('2026-01-14T02:00:00Z');
  await project.serve('2026-01-14T02:01:00Z');
  const [waiting] = await project.runs('daily-full');
  assert.deepEqual(
    [waiting!.state, waiting!.reason],
    ['waiting', 'pg_net is not installed: nobody would call the workers'],
  );
  const alerts = await project.alerts('schedule_blocked');
  assert.deepEqual(
    alerts.map(({ severity, event_data }) => [severity, event_data.schedule]),
    [['warning', 'daily-full']],
  );
  await asAdmin('alter schema net_away rename to net');
  await project.serve('2026-01-14T02:02:00Z');
  assert.equal((await project.runs('daily-full'))[0]!.state, 'running');
});

test('a backup that could not begin until the next time came has failed', async () => {
  await asAdmin('alter schema net rename to net_away');
  await project.serve('2026-01-14T02:00:00Z');
  await project.serve('2026-01-15T02:00:00Z');
  const runs = await project.runs('daily-full');
  assert.deepEqual(
    runs.map(({ state }) => state),
    ['failed', 'waiting'],
  );
  assert.equal((await project.alerts('schedule_failed')).length, 1);
});

test('without critical tables the weekly backup of them is skipped, and says so only once', async () => {
  await sql`delete from backup.table_tier where table_name = 'security_events_log'`; // Holdfast's own, always there
  await project.serve('2026-01-18T03:00:00Z');
  await project.serve('2026-01-25T03:00:00Z');
  assert.deepEqual(
    (await project.runs('weekly-critical')).map(({ state, reason }) => [state, reason]),
    Array(2).fill(['skipped', 'none of the critical tables exists']),
  );
  assert.equal((await project.alerts('schedule_skipped')).length, 1);
  await sql`create table public.bookings (id int)`;
  await project.serve('2026-02-01T03:00:00Z');
  assert.equal((await project.runs('weekly-critical')).at(-1)!.state, 'running');
});

test('a cause of skipping that went away and came back is told again, and once more only', async () => {
  await sql`delete from backup.table_tier where table_name = 'security_events_log'`;
  const told = async () => (await project.alerts('schedule_skipped')).length;
  await project.serve('2026-01-18T03:00:00Z');
  assert.equal(await told(), 1);
  await sql`create table public.bookings (id int)`;
  await project.serve('2026-01-25T03:00:00Z');
  await project.end('weekly-critical', 'verified');
  await project.serve('2026-01-25T03:10:00Z');
  await sql`drop table public.bookings`;
  await project.serve('2026-02-01T03:00:00Z');
  const states = (await project.runs('weekly-critical')).map(({ state }) => state);
  assert.deepEqual([states, await told()], [['skipped', 'succeeded', 'skipped'], 2]);
  await project.serve('2026-02-22T03:00:00Z'); // two times were missed: that says nothing of the cause
  assert.deepEqual((await project.runs('weekly-critical')).map(({ state }) => state).slice(3), [
    'superseded',
    'superseded',
    'skipped',
  ]);
  assert.equal(await told(), 2);
});

test("the preflight measures the database against the plan's limit", async () => {
  const size = async () =>
    (await sql`select state, effect from backup.preflight('daily-full') where "check" = 'database_size'`)[0];
  await sql`delete from backup.setting where name = 'plan_database_bytes'`;
  assert.equal((await size())!.state, 'inconclusive');
  await sql`insert into backup.setting (name, value) values ('plan_database_bytes', '1000')`;
  assert.deepEqual({ ...(await size()) }, { state: 'failed', effect: null });
  await sql`update backup.setting set value = '8589934592' where name = 'plan_database_bytes'`;
  assert.equal((await size())!.state, 'passed');
  await assert.rejects(sql`select * from backup.preflight('nope')`, { code: 'P0002' });
});

test('no API role sees schedules or calls their functions', async () => {
  for (const role of ['anon', 'authenticated', 'service_role']) {
    for (const statement of [
      'select * from backup.schedule',
      "select backup.start_due('daily-full')",
      "select backup.schedule_set('daily-full', p_enabled => false)",
    ]) {
      await assert.rejects(
        sql.begin(async (own) => {
          await own.unsafe(`set local role ${role}`);
          await own.unsafe(statement);
        }),
        { code: '42501' },
      );
    }
  }
});
