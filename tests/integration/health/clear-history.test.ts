/** What only grows is cleared away when it is old, and never what is open, new or somebody else's. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { openAs, setSetting } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;
let admin: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
  admin = openAs(database.adminUrl);
});

after(async () => {
  await admin?.end();
  await sql?.end();
  await database?.drop();
});

beforeEach(async () => {
  await sql`truncate public.system_health_alerts, public.backup_log, backup.task, backup.job, backup.alert_seen`;
  await sql`delete from backup.problem`;
  await sql`update backup.setting set value = '"2020-01-01T00:00:00Z"' where name = 'alert_history_since'`;
  await setSetting(sql, 'alert_history_days', 400);
  await setSetting(sql, 'work_history_days', 30);
});

/** As the heartbeat does, an hour later. Returns how many rows of each kind it removed. */
async function clear(most = 5000): Promise<Record<string, number>> {
  await sql`delete from backup.heartbeat where name = 'clearing'`;
  const [row] = await sql`select backup.clear_history(p_most => ${most}) as cleared`;
  return row!.cleared;
}

async function alert(type: string, daysAgo: number, data: object = {}, severity = 'critical'): Promise<void> {
  await sql`
    insert into public.system_health_alerts (alert_type, severity, message, event_data, created_at)
    values (${type}, ${severity}, 'x', ${sql.json(data as never)}, now() - ${daysAgo} * interval '1 day')`;
}

async function types(): Promise<string[]> {
  const rows = await sql`select alert_type from public.system_health_alerts order by alert_type`;
  return rows.map((row) => row.alert_type as string);
}

test('old alerts go, and those within the days of the setting stay', async () => {
  await alert('backup_completed', 401, {}, 'info');
  await alert('schedule_failed', 500, { schedule: 'daily-full' });
  await alert('backup_failed', 399, { backup_type: 'daily' });
  assert.equal((await clear()).alerts, 2);
  assert.deepEqual(await types(), ['backup_failed']);
  await setSetting(sql, 'alert_history_days', 0);
  await alert('backup_completed', 4000, {}, 'info');
  assert.equal((await clear()).alerts, 0, '0 keeps all');
});

test("the plans' 30 days stay, whatever the setting says", async () => {
  await setSetting(sql, 'alert_history_days', 1);
  await alert('backup_completed', 30, {}, 'info');
  await alert('backup_completed', 32, {}, 'info');
  assert.equal((await clear()).alerts, 1);
});

test('rows of a problem that is open stay however old they are, and go when it is over', async () => {
  const data = [
    ['backup_failed', { backup_type: 'monthly', backup_id: 'monthly_x' }, 'backup:monthly'],
    ['backup_verification_failed', { backup_id: 'monthly_y' }, 'verification:monthly_y'],
    ['backup_drill_failed', { backup_id: 'monthly_x' }, 'drill'],
    ['schedule_blocked', { schedule: 'monthly-full' }, 'schedule:monthly-full'],
    ['schedule_skipped', { schedule: 'weekly-critical' }, 'schedule-skipped:weekly-critical'],
    ['tick_step_failed', { step: 'tick_jobs' }, 'tick:tick_jobs'],
  ] as const;
  for (const [type, facts, key] of data) {
    await alert(type, 500, facts);
    await sql`select backup.raise_problem(${key}, ${type}, 'critical', 'x', '{}', now() - interval '500 days')`;
  }
  await alert('backup_failed', 500, { backup_type: 'daily', backup_id: 'daily_x' });
  assert.equal((await clear()).alerts, 1, 'the one whose problem is over');
  assert.deepEqual(
    await types(),
    data.map(([type]) => type as string).sort((a, b) => (a < b ? -1 : 1)),
  );
  await sql`update backup.problem set state = 'resolved', resolved_at = now()`;
  assert.equal((await clear()).alerts, data.length);
});

test('the row of a check that is still unhealthy stays', async () => {
  const line = {
    check: 'storage_capacity',
    title: 'Bytes',
    category: 'capacity',
    severity: 'critical',
    detail: 'full',
  };
  await sql`select backup.record_health(${sql.json([{ ...line, state: 'unhealthy' }])})`;
  await sql`select backup.tick_alerts()`;
  await sql`update public.system_health_alerts set created_at = created_at - interval '500 days'`;
  await sql`update backup.problem set first_seen = first_seen - interval '500 days'`;
  assert.equal((await clear()).alerts, 0);
  await sql`update backup.problem set state = 'resolved', resolved_at = now()`;
  assert.equal((await clear()).alerts, 1);
});

test('what a flood of problems hid stays while the flood is open', async () => {
  await alert('tick_step_failed', 450, { step: 'hidden' });
  await alert('backup_completed', 450, {}, 'info');
  await sql`select backup.raise_problem('alert:others', 'too_many_problems', 'critical', 'x', '{}', now() - interval '500 days')`;
  assert.equal((await clear()).alerts, 1);
  assert.deepEqual(await types(), ['tick_step_failed']);
});

test("rows of other people's types, and of the time before Holdfast, are not touched", async () => {
  await alert('my_own_type', 2000);
  await alert('account_erasure_failed', 2000);
  await alert('backup_completed', 2000, {}, 'info');
  await sql`update backup.setting set value = to_jsonb(now() - interval '1000 days') where name = 'alert_history_since'`;
  await alert('backup_completed', 900, {}, 'info');
  assert.equal((await clear()).alerts, 1);
  assert.deepEqual(await types(), ['account_erasure_failed', 'backup_completed', 'my_own_type']);
});

test('every type that our functions write is known to be ours, except what is evidence of erasures', async () => {
  const rows = await sql`
    select distinct match[1] as type from pg_proc p, regexp_matches(p.prosrc, 'backup\\.announce\\(''([a-z_]+)''', 'g') as match
    where p.pronamespace = 'backup'::regnamespace and match[1] !~ '^account_|_$'`;
  assert.ok(rows.length >= 10, `${rows.length} types`);
  for (const { type } of rows) {
    const [own] = await sql`select backup.is_own_alert_type(${type}) as own`;
    assert.equal(own!.own, true, type);
  }
});

test('tasks and jobs that ended long ago go; open ones, new ones and those of a run under way stay', async () => {
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, stage)
    values ('daily_old', 'daily', 'completed', 'done'), ('daily_now', 'daily', 'in_progress', 'copying')`;
  await sql`
    insert into backup.task (backup_id, kind, state, created_at, finished_at, verification_id)
    select id, kind, state, now() - interval '40 days', case when state = 'done' then now() - days * interval '1 day' end, verification::uuid
    from (values
      ('daily_old', 'copy', 'done', 31, null), ('daily_old', 'copy', 'done', 29, null), ('daily_old', 'clean', 'cancelled', 0, null),
      ('daily_now', 'copy', 'done', 31, null), ('daily_old', 'verify', 'pending', 0, '6a0e4d2c-0000-4000-8000-000000000001'),
      ('daily_old', 'verify', 'done', 31, '6a0e4d2c-0000-4000-8000-000000000001')
    ) as t(id, kind, state, days, verification)`;
  await sql`
    insert into backup.job (kind, subject, state, created_at, ended_at)
    select kind, subject, state, now() - interval '500 days', case when state <> 'pending' then now() - days * interval '1 day' end
    from (values ('drill_sweep', 'a', 'done', 31), ('drill_sweep', 'b', 'failed', 31), ('drill_sweep', 'c', 'cancelled', 29),
      ('drill_sweep', 'd', 'pending', 0), ('drill', 'e', 'done', 300), ('drill', 'f', 'done', 450)) as t(kind, subject, state, days)`;
  assert.equal((await clear()).work, 2 + 3);
  const tasks = await sql`select backup_id, kind, state from backup.task order by id`;
  assert.deepEqual(
    tasks.map((row) => [row.backup_id, row.kind, row.state].join(' ')),
    ['daily_old copy done', 'daily_now copy done', 'daily_old verify pending', 'daily_old verify done'],
  );
  const jobs = await sql`select subject from backup.job order by subject`;
  assert.deepEqual(
    jobs.map(({ subject }) => subject),
    ['c', 'd', 'e'],
    'by jobs of drills the sweep finds what they left',
  );
});

test('recorded row changes go after their days', async () => {
  await sql`
    insert into backup.change (table_name, record_id, operation, changed_at)
    values ('public.x', '1', 'INSERT', now() - interval '91 days'), ('public.x', '2', 'INSERT', now() - interval '89 days')`;
  assert.equal((await clear()).changes, 1);
});

test('what pg_cron wrote about our jobs goes after a week; that of other jobs stays', async () => {
  const insert = (command: string, days: number) => admin`
    insert into cron.job_run_details (jobid, database, username, command, status, start_time, end_time)
    values (1, current_database(), 'postgres', ${command}, 'succeeded', now() - ${days} * interval '1 day', now() - ${days} * interval '1 day')`;
  await admin`delete from cron.job_run_details`;
  await insert('select backup.tick()', 8);
  await insert("select backup.start_due('daily-full')", 8);
  await insert("set statement_timeout = 0; select backup.keep_snapshot('x')", 8);
  await insert('select backup.tick()', 6);
  await insert('refresh materialized view public.reports', 800);
  assert.equal((await clear()).cron, 3);
  const rows = await admin`select command from cron.job_run_details order by command`;
  assert.deepEqual(
    rows.map(({ command }) => command),
    ['refresh materialized view public.reports', 'select backup.tick()'],
  );
});

test('much is cleared in turns, and nothing is looked at again within the hour', async () => {
  await sql`
    insert into public.system_health_alerts (alert_type, severity, created_at)
    select 'backup_completed', 'info', now() - interval '500 days' from generate_series(1, 25)`;
  assert.equal((await clear(10)).alerts, 10);
  const next = async () => (await sql`select backup.clear_history(p_most => 10) as cleared`)[0]!.cleared;
  assert.equal((await next()).alerts, 10);
  assert.equal((await next()).alerts, 5);
  assert.deepEqual(await next(), {}, 'it is done for this hour');
  const [step] = await sql`select backup.run_tick_steps() -> 'clear_history' as said`;
  assert.deepEqual(step!.said, {});
});

test('a table of alerts that was there before, partitioned and with times of its own kind, is cleared too', async () => {
  await sql`alter table public.system_health_alerts rename to kept_aside`;
  await sql`
    create table public.system_health_alerts (alert_type text, severity text, message text, event_data jsonb, created_at timestamp)
    partition by list (alert_type)`;
  await sql`create table public.alerts_good partition of public.system_health_alerts for values in ('backup_completed')`;
  await sql`create table public.alerts_other partition of public.system_health_alerts default`;
  try {
    await alert('backup_completed', 500, {}, 'info');
    await alert('backup_failed', 500, { backup_type: 'daily' });
    await alert('backup_failed', 5, { backup_type: 'daily' });
    assert.equal((await clear()).alerts, 2);
    assert.deepEqual(await types(), ['backup_failed']);
  } finally {
    await sql`drop table public.system_health_alerts`;
    await sql`alter table public.kept_aside rename to system_health_alerts`;
  }
});
