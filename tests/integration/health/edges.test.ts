/** Where a check could cry wolf or keep silent: a new project, retries, runs under way, answers that got lost. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, later, openAs } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
});

beforeEach(async () => {
  await sql`truncate public.backup_log, public.backup_verification, backup.schedule_run, backup.health_probe, backup.health_state`;
  await sql`delete from backup.setting where name = 'functions_url'`;
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

const configure = () => sql`select backup.configure('http://project.example/functions/v1')`;

interface Run {
  readonly status?: string;
  readonly startedAt?: Date;
  readonly endedAt?: Date | null;
  readonly retryOf?: string | null;
}

async function addRun(id: string, { status = 'completed', startedAt, endedAt, retryOf = null }: Run = {}) {
  const started = startedAt ?? later(-1);
  await sql`
    insert into public.backup_log (backup_id, backup_type, folder, started_at, completed_at, status, request, retry_of)
    values (${id}, ${id.split('_')[0]!}, ${`backups/${id}`}, ${started}, ${endedAt === undefined ? started : endedAt}, ${status},
            '{"scope": "full"}', ${retryOf})`;
}

const addDue = (state: string, backupId: string | null, jobId: string | null = null) => sql`
  insert into backup.schedule_run (name, due_at, state, backup_id, job_id)
  values ('daily-full', clock_timestamp() - interval '1 hour', ${state}, ${backupId}, ${jobId})`;

async function verdict(name: string, now?: Date): Promise<string> {
  const { state, severity } = await ask(sql, name, now ? { now } : {});
  return state === 'unhealthy' ? severity : state;
}

test('a project that was just configured has a day for its first backup; it is told what comes', async () => {
  await configure();
  const line = await ask(sql, 'last_backup');
  assert.deepEqual([line.state, line.detail], ['inconclusive', 'the first full backup is to come']);
  assert.match(line.todo, /backup:schedule -- next/);
  assert.equal(await verdict('recovery_points'), 'inconclusive');
  assert.equal(await verdict('last_backup', later(25.1)), 'critical');
  assert.equal(await verdict('recovery_points', later(25.1)), 'critical');
});

test('when the first backup has failed, or nobody configured the project, it is an emergency', async () => {
  assert.equal(await verdict('last_backup'), 'critical');
  await configure();
  await addRun('manual_1', { status: 'failed' });
  assert.equal(await verdict('last_backup'), 'critical');
});

test('a drill is missed when a backup is old enough to have had one', async () => {
  assert.equal(await verdict('restore_capability'), 'inconclusive');
  await addRun('daily_1');
  assert.equal(await verdict('restore_capability'), 'inconclusive');
  assert.equal(await verdict('restore_capability', later(8 * 24)), 'warning');
});

test('a run that failed is no failure while its schedule tries again, and none when that succeeds', async () => {
  await addRun('daily_1', { status: 'failed' });
  await addRun('daily_2', { status: 'failed', retryOf: 'daily_1' });
  await addDue('running', 'daily_1'); // its schedule has not looked yet
  assert.equal(await verdict('success_rate'), 'inconclusive');
  await sql`update backup.schedule_run set state = 'waiting', backup_id = 'daily_2'`;
  assert.equal(await verdict('success_rate'), 'inconclusive');
  await addRun('daily_3', { retryOf: 'daily_2' });
  await sql`update backup.schedule_run set state = 'succeeded', backup_id = 'daily_3'`;
  const good = await ask(sql, 'success_rate');
  assert.deepEqual([good.state, good.detail], ['healthy', '1 of 1 succeeded in the last 30 days']);
});

test('a due time that failed counts once, also when its copy was complete; what an operator cancelled counts never', async () => {
  await addRun('daily_1');
  await addDue('failed', 'daily_1'); // its verification could not be carried out
  const bad = await ask(sql, 'success_rate');
  assert.deepEqual([bad.state, bad.detail], ['unhealthy', '0 of 1 succeeded in the last 30 days']);
  await sql`update backup.schedule_run set state = 'cancelled'`;
  await sql`update public.backup_log set status = 'cancelled'`;
  assert.equal(await verdict('success_rate'), 'inconclusive');
});

test('a scheduled drill counts by what became of it, and the backup that it restored counts too', async () => {
  await addRun('daily_1');
  await addDue('failed', 'daily_1', '00000000-0000-4000-8000-000000000001');
  const line = await ask(sql, 'success_rate');
  assert.deepEqual([line.state, line.detail], ['unhealthy', '1 of 2 succeeded in the last 30 days']);
});

test('a run under way hides nothing: how long the one before it took still counts', async () => {
  await addRun('daily_1', { startedAt: later(-24), endedAt: later(-23) });
  assert.equal(await verdict('backup_duration'), 'warning');
  await addRun('daily_2', { status: 'in_progress', startedAt: later(-0.01), endedAt: null });
  const line = await ask(sql, 'backup_duration');
  assert.deepEqual([line.state, line.detail], ['unhealthy', 'daily_1 took 1 hour']);
  await sql`update public.backup_log set completed_at = started_at + interval '1 minute' where backup_id = 'daily_1'`;
  assert.equal(await verdict('backup_duration'), 'healthy');
  assert.equal(await verdict('backup_duration', later(1)), 'warning', 'until it takes too long itself');
});

test('a new backup whose verification is under way puts the others in no doubt', async () => {
  await addRun('daily_2');
  await sql`insert into public.backup_verification (backup_id, details) values ('daily_2', '{"kind": "quick"}')`;
  assert.equal(await verdict('integrity'), 'inconclusive', 'alone it is all there is');
  await addRun('daily_1', { startedAt: later(-24) });
  await sql`
    insert into public.backup_verification (backup_id, verification_date, success) values ('daily_1', now() - interval '1 day', true)`;
  const line = await ask(sql, 'integrity');
  assert.deepEqual([line.state, line.detail], ['healthy', '1 of 2 kept backups passed']);
  await sql`delete from public.backup_verification where backup_id = 'daily_2'`;
  assert.equal((await ask(sql, 'integrity')).detail, 'daily_2: is not verified yet');
  assert.equal(await verdict('integrity', later(25)), 'warning');
});

test('rows of an earlier backup system, whose objects nobody knows, are not judged', async () => {
  await addRun('daily_1', { startedAt: later(-24 * 200) });
  assert.equal(await verdict('integrity'), 'warning', 'it was never verified');
  await sql`update public.backup_log set folder = null`;
  assert.equal(await verdict('integrity'), 'inconclusive');
});

test('answers that a crash or a clean-up removed were still answers', async () => {
  await configure();
  await sql`
    insert into backup.health_probe (request_id, sent_at)
    select -i, clock_timestamp() - i * interval '1 minute' from generate_series(1, 10) as i`;
  await sql`
    insert into net._http_response (id, status_code, content, timed_out)
    select -i, 200, '{"status":"up"}', false from generate_series(1, 10) as i`;
  await sql`select backup.watch_health()`;
  await sql`delete from net._http_response`;
  assert.equal(await verdict('pg_net'), 'healthy');
  assert.equal(await verdict('pg_net', later(0.1)), 'critical', 'the one that was sent now has waited');
});

test('the heartbeat beats also when the rest of the watch cannot be carried out', async () => {
  await sql`update backup.heartbeat set at = now() - interval '1 hour' where name = 'tick'`;
  await sql`alter table backup.health_probe rename to health_probe_away`;
  const [row] = await sql`select backup.tick() as done`;
  await sql`alter table backup.health_probe_away rename to health_probe`;
  assert.match(row!.done.steps.watch_health.error, /health_probe/);
  assert.equal(await verdict('pg_cron'), 'healthy');
});

test('functions that answer while nobody evaluates the checks are not well; after a pause they are', async () => {
  const probe = (minutes: number) => sql`
    with sent as (
      insert into backup.health_probe (request_id, sent_at)
      select -100 - i, clock_timestamp() - i * interval '1 minute' from generate_series(0, ${minutes}::integer) as i returning request_id)
    insert into net._http_response (id, status_code, content, timed_out)
    select request_id, 200, '{"status":"up"}', false from sent`;
  const evaluated = (minutesAgo: number) => sql`
    insert into backup.heartbeat (name, at) values ('evaluation', now() - ${minutesAgo} * interval '1 minute')
    on conflict (name) do update set at = excluded.at`;
  await probe(14);
  await evaluated(14);
  assert.equal(await verdict('functions'), 'healthy');
  await evaluated(200);
  const line = await ask(sql, 'functions');
  assert.deepEqual([line.state, line.severity], ['unhealthy', 'critical'], line.detail);
  assert.equal(line.detail, 'they answer, but the checks were evaluated 200 minutes ago');
  assert.match(line.todo, /from backup\.job where kind = 'health_check'/);
  await sql`update backup.setting set value = '120' where name = 'health_interval_minutes'`;
  assert.equal(await verdict('functions'), 'healthy', 'the owner wants it every two hours');
  await sql`update backup.setting set value = '1' where name = 'health_interval_minutes'`;
  await sql`truncate backup.health_probe`;
  await sql`delete from net._http_response where id < -100`;
  await probe(3);
  assert.equal(await verdict('functions'), 'healthy', 'the first minutes after a pause: it is still to come');
  await sql`delete from backup.heartbeat where name = 'evaluation'`;
});
