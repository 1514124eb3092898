/** An adopted backup_log with rows of another backup system: nothing is built on them, and nothing waits for them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { backupMetrics } from '../../../supabase/functions/_shared/monitor/metrics/backup-metrics.ts';
import { startDrill } from '../../../supabase/functions/backup-restore/routes/start-drill.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, later, openAs, setSetting } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
  await sql`create table public.notes (id integer)`;
  await sql`select backup.configure('http://project.example/functions/v1')`;
});

beforeEach(async () => {
  await sql`truncate public.backup_log, public.backup_verification, backup.task, backup.run_table, backup.segment`;
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

const hoursAgo = (hours: number) => later(-hours);

/** As the other system writes it: what adoption added has its defaults. */
async function theirs(
  id: string,
  { status = 'completed', hours = 1, ended = true, bytes = null as number | null } = {},
) {
  await sql`
    insert into public.backup_log (backup_id, backup_type, started_at, completed_at, status, raw_bytes, stored_bytes)
    values (${id}, ${id.split('_')[1]!}, ${hoursAgo(hours)}, ${ended ? hoursAgo(hours - 0.01) : null}, ${status}, ${bytes}, ${bytes})`;
}

async function ours(id: string, { status = 'completed', hours = 2 } = {}) {
  await sql`
    insert into public.backup_log
      (backup_id, backup_type, started_at, completed_at, status, stage, request, folder, raw_bytes, stored_bytes)
    values (${id}, ${id.split('_')[0]!}, ${hoursAgo(hours)}, ${hoursAgo(hours - 0.01)}, ${status}, 'done',
            '{"scope": "full"}', ${`backups/${id}`}, 1000, 500)`;
  await sql`
    insert into backup.run_table (backup_id, schema_name, table_name, estimated_bytes, estimated_rows, slices, facts)
    values (${id}, 'public', 'notes', 0, 0, 1, '{"persistence": "p"}')`;
  await sql`
    insert into backup.segment (backup_id, path, kind, schema_name, table_name, row_count, raw_bytes, stored_bytes, sha256)
    values (${id}, 'notes', 'segment', 'public', 'notes', 100, 1000, 500, 'x')`;
}

/** The first backup has long been due. */
const configuredLongAgo = () =>
  sql`update backup.setting set updated_at = now() - interval '9 days' where name = 'functions_url'`;

async function samples(): Promise<Record<string, number>> {
  const metrics = await backupMetrics(sql);
  return Object.fromEntries(
    metrics.flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => [[name, labels.cadence, labels.status].filter(Boolean).join(' '), value]),
    ),
  );
}

test('a backup of theirs is no backup of ours', async () => {
  await configuredLongAgo();
  await theirs('their_daily_1', { hours: 24 * 10 });
  await theirs('their_daily_2');
  const last = await ask(sql, 'last_backup');
  assert.deepEqual(
    [last.state, last.severity, last.detail],
    ['unhealthy', 'critical', 'there is no completed full backup'],
  );
  assert.equal((await ask(sql, 'recovery_points')).severity, 'critical');
  const points = await sql`select recovery_point from backup.table_recovery_points() where table_name = 'notes'`;
  assert.deepEqual([...points], [{ recovery_point: null }]);
  assert.equal(
    (await ask(sql, 'restore_capability')).state,
    'inconclusive',
    'nothing is there that a drill could restore',
  );
  await ours('daily_1', { hours: 30 });
  assert.match((await ask(sql, 'last_backup')).detail, /^the newest one began 30 hours/);
});

test('a failure of theirs does not end the wait for the first backup of ours, and one of ours does', async () => {
  await sql`update backup.setting set updated_at = now() where name = 'functions_url'`;
  await theirs('their_daily_1', { status: 'failed' });
  await theirs('their_daily_2');
  assert.equal((await ask(sql, 'last_backup')).state, 'inconclusive');
  await sql`
    insert into public.backup_log (backup_id, backup_type, started_at, status, error)
    values ('daily_1', 'daily', now() - interval '1 minute', 'failed', '{"code": "STORE_UNAVAILABLE"}')`;
  assert.equal((await ask(sql, 'last_backup')).state, 'unhealthy', 'it failed before it had a folder');
  await configuredLongAgo();
});

test('their runs do not count in the rate of success', async () => {
  await theirs('their_daily_1', { status: 'failed' });
  assert.equal((await ask(sql, 'success_rate')).state, 'inconclusive');
  await ours('daily_1');
  const rate = await ask(sql, 'success_rate');
  assert.deepEqual([rate.state, rate.detail], ['healthy', '1 of 1 succeeded in the last 30 days']);
});

test('a run that they never ended keeps nothing waiting, and one of ours does before it has a folder', async () => {
  await theirs('their_daily_1', { status: 'in_progress', hours: 400, ended: false });
  assert.equal((await ask(sql, 'backup_duration')).state, 'inconclusive');
  const beat = async () => (await sql`select backup.verify_kept_backups() as said`)[0]!.said;
  assert.deepEqual(await beat(), {});
  const places = async () =>
    (await sql`select message from backup.preflight('daily-full') where "check" = 'places'`)[0]!.message;
  assert.match(await places(), /, 0 runs in progress$/);
  await sql`select backup.start_run('{"scope": "full", "cadence": "daily"}')`;
  assert.deepEqual(await beat(), { held: 'busy' });
  assert.match(await places(), /, 1 run in progress$/);
  assert.equal((await ask(sql, 'backup_duration', { now: later(2) })).state, 'unhealthy', 'ours, which waits');
});

test('how long theirs took says nothing of ours', async () => {
  await ours('daily_1');
  await sql`
    insert into public.backup_log (backup_id, backup_type, started_at, completed_at, status)
    values ('their_daily', 'daily', now() - interval '1 hour', now(), 'completed')`;
  assert.equal((await ask(sql, 'backup_duration')).state, 'healthy');
});

test('a drill neither chooses nor takes a backup of theirs', async () => {
  await theirs('their_monthly_1');
  await theirs('their_weekly_1');
  const subject = async (cadence: string) => (await sql`select backup.drill_subject(${cadence}) as id`)[0]!.id;
  assert.deepEqual([await subject('monthly'), await subject('weekly')], [null, null]);
  await assert.rejects(sql`select backup.start_drill('their_weekly_1')`, { code: 'P0002' });
  // biome-ignore lint/suspicious/noExplicitAny: the route needs no more of its means than this.
  const call = (body: object): Promise<any> =>
    startDrill.handle({
      means: { sql, drillMode: () => 'restore' },
      caller: { userId: null },
      body: { kind: 'on-demand', ...body },
    } as never) as never;
  for (const body of [{ cadence: 'weekly' }, { backup_id: 'their_weekly_1' }]) {
    await assert.rejects(call(body), { code: 'BACKUP_MISSING' });
  }
  await ours('weekly_1', { hours: 50 });
  assert.deepEqual([await subject('monthly'), await subject('weekly')], ['weekly_1', 'weekly_1']);
  assert.equal((await call({ cadence: 'weekly' })).body.backup_id, 'weekly_1');
});

test('sizes and tables are compared with backups of ours alone', async () => {
  for (const hours of [80, 60, 40, 20]) await ours(`daily_${hours}`, { hours });
  await theirs('their_daily_1', { bytes: 10_000_000 });
  assert.match((await ask(sql, 'table_anomalies')).detail, /^no table is lost or empty/);
  await setSetting(sql, 'storage_limit_bytes', 10_000);
  assert.equal((await ask(sql, 'storage_capacity')).value, 20);
  const growth = (await ask(sql, 'size_growth')).items.find(({ name }) => name === 'backups');
  assert.match(growth!.detail, /^4 full backups /);
});

test('metrics are of ours, also where theirs have no end', async () => {
  await ours('daily_1');
  await theirs('their_daily_1', { ended: false, bytes: 10_000_000 });
  await theirs('their_daily_2', { status: 'in_progress', ended: false });
  const found = await samples();
  const [row] =
    await sql`select extract(epoch from completed_at)::float8 as at from public.backup_log where backup_id = 'daily_1'`;
  assert.equal(found['holdfast_backup_last_success_timestamp_seconds daily'], row!.at);
  assert.equal(found['holdfast_backup_last_raw_bytes daily'], 1000);
  assert.equal(found['holdfast_backup_runs daily completed'], 1);
  assert.equal(found['holdfast_backup_runs daily in_progress'], undefined);
  assert.equal(found.holdfast_store_bytes, 500);
});
