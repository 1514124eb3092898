/** scripts/schedule.ts as an operator runs it: a process of its own, DATABASE_URL, exit codes, text and JSON. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type CliResult, runScript } from '../../support/run-script.ts';
import { createTestDatabase } from '../../support/template-database.ts';
import { type ScheduleProject, scheduleProject } from './schedule-harness.ts';

let project: ScheduleProject;

before(async () => {
  project = await scheduleProject('2026-01-14T00:00:00Z');
});
after(() => project.close());
beforeEach(() => project.sql`delete from backup.maintenance_window`);

const run = (...args: string[]): Promise<CliResult> => runScript('schedule.ts', args, { DATABASE_URL: project.url });

// biome-ignore lint/suspicious/noExplicitAny: the tests look at whatever they are about
async function json(...args: string[]): Promise<any> {
  const result = await run(...args, '--json');
  assert.equal(result.code, 0, result.stdout + result.stderr);
  assert.equal(result.stderr, '');
  return JSON.parse(result.stdout);
}

async function cronOf(name: string): Promise<string> {
  const [row] = await project.sql`select cron from backup.schedule where name = ${name}`;
  return row!.cron as string;
}

test('list shows every schedule with its next time', async () => {
  const { code, stdout } = await run('list');
  assert.equal(code, 0);
  assert.match(stdout, /^schedule +does +when \(UTC\) +state +next \(UTC\)/m);
  assert.match(stdout, /^daily-full +backup +0 2 \* \* \* +on +\d{4}-\d\d-\d\d 02:00 .*30 days +24 hours/m);
  assert.match(stdout, /^hourly-incremental +increment +0 \* \* \* \* +not installed/m);
  const { schedules } = await json('list');
  assert.equal(schedules.length, 7);
  assert.deepEqual(
    schedules.filter(({ state }: { state: string }) => state === 'on').map(({ name }: { name: string }) => name),
    ['daily-full', 'weekly-critical'],
  );
});

test('set changes what is given, tells pg_cron, and says the next times; a dry run only says', async () => {
  const dry = await run('set', 'daily-full', '--cron', '30 1 * * *', '--retention', '14 days', '--dry-run');
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(
    dry.stdout,
    /^daily-full would be changed:\n {2}cron: 0 2 \* \* \* -> 30 1 \* \* \*\n {2}retention: 30 days -> 14 days\n/,
  );
  assert.match(dry.stdout, /^next: \d{4}-\d\d-\d\d 01:30 UTC$/m);
  assert.equal(await cronOf('daily-full'), '0 2 * * *');
  const set = await json('set', 'daily-full', '--cron', '30 1 * * *');
  assert.deepEqual(
    [set.dry_run, set.created, set.changes],
    [false, false, [{ field: 'cron', before: '0 2 * * *', after: '30 1 * * *' }]],
  );
  assert.equal(set.next.length, 3);
  const [job] = await project.sql`select schedule from cron.job where jobname = 'holdfast-daily-full'`;
  assert.equal(job!.schedule, '30 1 * * *');
  const again = await run('set', 'daily-full', '--cron', '30 1 * * *');
  assert.match(again.stdout, /^daily-full is already so; nothing changed$/m);
});

test('set makes a new schedule, of chosen tables, and takes them away with the scope', async () => {
  const made = await json(
    ...['set', 'evening-tables', '--work', 'backup', '--cadence', 'daily', '--cron', '0 20 * * mon-fri'],
    ...['--scope', 'tables', '--tables', 'public.bookings, users', '--deep-verification'],
  );
  assert.equal(made.created, true);
  assert.deepEqual(made.missing_tables, ['public.bookings', 'users']);
  const read = async () =>
    (await project.sql`select scope, request, deep_verification from backup.schedule where name = 'evening-tables'`)[0];
  assert.deepEqual(
    { ...(await read()) },
    { scope: 'tables', request: { tables: ['public.bookings', 'users'] }, deep_verification: true },
  );
  await project.sql`create table public.users (id integer)`;
  const warned = await run(
    'set',
    'evening-tables',
    '--scope',
    'tables',
    '--tables',
    'public.bookings,users,backup_log',
  );
  assert.match(warned.stdout, /^warning: the table public\.bookings is not there: runs fail until it is$/m);
  assert.equal(warned.stdout.match(/warning/g)?.length, 1, warned.stdout);
  await json('set', 'evening-tables', '--scope', 'full', '--no-deep-verification', '--disable');
  assert.deepEqual({ ...(await read()) }, { scope: 'full', request: {}, deep_verification: false });
});

test('pause, next and resume', async () => {
  assert.match((await run('pause', 'weekly-critical')).stdout, /^weekly-critical is paused until it is resumed/);
  const { next } = await json('next', 'weekly-critical', '--count', '2');
  assert.deepEqual(
    next.map(({ note }: { note: string }) => note),
    ['paused', 'paused'],
  );
  assert.match(
    (await run('resume', 'weekly-critical')).stdout,
    /is resumed; its next time is \d{4}-\d\d-\d\d 03:00 UTC$/m,
  );
  const paused = await json('pause', 'weekly-critical', '--until', '2999-02-01T10:00+02:00');
  assert.equal(paused.paused_until, '2999-02-01T08:00:00.000Z');
  await run('resume', 'weekly-critical');
  assert.match((await run('next')).stdout, /^time \(UTC\) +schedule/);
});

test('maintenance opens, shows and ends windows', async () => {
  assert.match((await run('maintenance')).stdout, /There is no maintenance window/);
  const opened = await json('maintenance', '--until', '2999-01-01', '--reason', 'upgrade', '--schedules', 'daily-full');
  assert.deepEqual([opened.ends_at, opened.schedules], ['2999-01-01T00:00:00.000Z', ['daily-full']]);
  assert.match((await run('maintenance')).stdout, new RegExp(`^ *${opened.id} .*daily-full +upgrade +open`, 'm'));
  assert.match((await run('maintenance', '--end', String(opened.id))).stdout, /is over/);
  const gone = await run('maintenance', '--end', String(opened.id));
  assert.deepEqual([gone.code, /no open or coming maintenance window/.test(gone.stderr)], [2, true]);
  const coming = await json('maintenance', '--from', '2998-01-01', '--until', '2999-01-01', '--reason', 'upgrade');
  assert.match((await run('maintenance', '--end', String(coming.id))).stdout, /is removed; it had not begun$/m);
});

const BAD: readonly (readonly [string[], RegExp])[] = [
  [[], /say what to do: list, set, pause/],
  [['remove'], /unknown command 'remove'/],
  [['set', 'daily-full'], /must be told what to change/],
  [['set', 'daily-full', '--enable', '--disable'], /must not be given together/],
  [['set', 'daily-full', '--cron', '0 25 * * *'], /hour of a cron expression must be[\s\S]*hint: .*Fields/],
  [['set', 'dayly-full', '--enable'], /there is no schedule dayly-full[\s\S]*hint: .*daily-full/],
  [['set', 'yearly-archive', '--enable'], /\(archive\) is not installed/],
  [['set', 'daily-full', '--rpo', 'soon'], /--rpo must be an interval: got 'soon'[\s\S]*hint: .*2 hours/],
  [['set', 'daily-full', '--grace', '1 fortnight'], /--grace must be an interval: got '1 fortnight'/],
  [['maintenance', '--until', '2020-01-01', '--reason', 'x'], /--until must be in the future: got '2020-01-01'/],
  [['set', 'daily-full', '--tables', 'a'], /--tables must stand with --scope tables/],
  [['pause', 'daily-full', '--until', '2026-02-31'], /--until must be a time .* got '2026-02-31'/],
  [['pause', 'daily-full', '--until', '2020-01-01'], /must end in the future/],
  [['next', '--count', '0'], /--count must be a whole number from 1 to 1000: got '0'/],
  [['maintenance', '--reason', 'x'], /--until must say when the window ends/],
  [['maintenance', '--until', '2999-01-01'], /--reason must say why/],
  [['set', 'daily-full', '--scope', 'tables'], /--scope tables must say which: --tables/],
];

test('bad input ends with 2, says what is wrong, and changes nothing', async () => {
  const before = await project.sql`select * from backup.schedule order by name`;
  for (const [args, message] of BAD) {
    const { code, stderr, stdout } = await run(...args);
    assert.equal(code, 2, `${args.join(' ')}: ${stdout}${stderr}`);
    assert.match(stderr, message);
  }
  assert.deepEqual([...(await project.sql`select * from backup.schedule order by name`)], [...before]);
  const failed = await run('set', 'nope', '--enable', '--json');
  assert.equal(JSON.parse(failed.stdout).error.code, 'CONFIG_INVALID');
});

test('without DATABASE_URL, without Holdfast, and without a server', async () => {
  const none = await runScript('schedule.ts', ['list'], {});
  assert.deepEqual([none.code, /DATABASE_URL/.test(none.stderr)], [2, true]);
  const empty = await createTestDatabase({ major: 17, template: 'supabase' });
  try {
    const missing = await runScript('schedule.ts', ['list'], { DATABASE_URL: empty.url });
    assert.deepEqual([missing.code, /Apply the migrations of Holdfast first/.test(missing.stderr)], [2, true]);
  } finally {
    await empty.drop();
  }
  const away = await runScript('schedule.ts', ['list'], { DATABASE_URL: 'postgres://postgres:x@127.0.0.1:1/postgres' });
  assert.equal(away.code, 4, away.stderr);
});

test('--help has examples and exit codes', async () => {
  const { code, stdout } = await run('--help');
  assert.equal(code, 0);
  for (const text of ['Examples:', 'Exit codes:', 'DATABASE_URL', 'schedule.ts maintenance --from'])
    assert.ok(stdout.includes(text), text);
  assert.match((await run('set', '--help')).stdout, /--dry-run/);
});
