/** How checks are run and kept: limits, changes of state, history for the plans' SQL, and checks without a running stack. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { CHECKS } from '../../../supabase/functions/_shared/monitor/check-registry.ts';
import type { HealthCheck } from '../../../supabase/functions/_shared/monitor/contracts.ts';
import { readHealthState } from '../../../supabase/functions/_shared/monitor/read-health-state.ts';
import { recordLines } from '../../../supabase/functions/_shared/monitor/record-lines.ts';
import { runChecks } from '../../../supabase/functions/_shared/monitor/run-checks.ts';
import { healthy, unhealthy } from '../../../supabase/functions/_shared/monitor/verdicts.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, later, openAs, PLAN_SQL } from './health-harness.ts';

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

const check = (name: string, run: HealthCheck['run']): HealthCheck => {
  return { name, title: name, category: 'platform', unit: null, run };
};

test('a slow, a broken and a missing check are inconclusive with the reason, and the others are carried out', async () => {
  const checks = [
    check('slow', async (means) => {
      await means.sql`select pg_catalog.pg_sleep(20)`;
      return healthy({ detail: 'never' });
    }),
    check('stuck', () => new Promise(() => {})),
    check('broken', async () => {
      throw new Error('on purpose');
    }),
    check('missing', async (means) => {
      await means.sql`select * from backup.not_there`;
      return healthy({ detail: 'never' });
    }),
    check('nosy', async (means) => {
      await means.sql`delete from backup.setting`;
      return healthy({ detail: 'never' });
    }),
    check('good', async () => healthy({ detail: 'fine' })),
  ];
  const started = performance.now();
  // A check that never ends keeps its connection: the others need another one.
  const pool = openAs(database.url, 2);
  try {
    const lines = await runChecks({ sql: pool, checks, publicKeys: null, limitMs: 500 });
    assert.ok(performance.now() - started < 18_000, 'pg_sleep(20) was not waited for');
    assert.deepEqual(
      lines.map(({ name, state }) => [name, state]),
      checks.map(({ name }) => [name, name === 'good' ? 'healthy' : 'inconclusive']),
    );
    const detail = Object.fromEntries(lines.map((line) => [line.name, line.detail]));
    assert.match(detail.slow!, /took more than 500 ms/);
    assert.match(detail.stuck!, /took more than/);
    assert.match(detail.broken!, /could not be carried out: on purpose/);
    assert.match(detail.missing!, /not installed/);
    assert.match(detail.nosy!, /read-only transaction/);
  } finally {
    await pool.end({ timeout: 1 });
  }
});

test('a problem has one moment and one alert until it is mended, also when it cannot be looked at in between', async () => {
  const line = (state: 'healthy' | 'unhealthy' | 'inconclusive') => {
    const result = unhealthy('critical', { detail: state, todo: 'Mend it.' });
    return { name: 'flaky', title: 'Flaky', category: 'platform' as const, unit: null, ...result, state, items: [] };
  };
  const say = async (state: 'healthy' | 'unhealthy' | 'inconclusive') => (await recordLines(sql, [line(state)]))[0]!;
  await say('healthy');
  const first = await say('unhealthy');
  const second = await say('unhealthy');
  assert.equal(second.since, first.since);
  const open = await say('inconclusive');
  assert.equal(open.problemSince, first.problemSince);
  assert.notEqual(open.since, first.since);
  assert.equal((await say('healthy')).problemSince, null);
  const alerts = await sql`
    select alert_type, event_data ->> 'before' as before from public.system_health_alerts
    where event_data ->> 'check' = 'flaky' order by created_at, event_data ->> 'before'`;
  assert.deepEqual(
    alerts.map((row) => [row.before, row.alert_type]),
    [
      ['healthy', 'health_check_unhealthy'],
      ['unhealthy', 'health_check_inconclusive'],
      ['inconclusive', 'health_check_healthy'],
    ],
  );
  assert.equal((await readHealthState(sql)).find(({ name }) => name === 'flaky')?.state, 'healthy');
  await sql`delete from backup.health_state where check_name = 'flaky'`;
});

test('many evaluations at the same time write one alert for one change', async () => {
  const result = [
    { check: 'crowd', title: 'Crowd', category: 'platform', state: 'unhealthy', severity: 'warning', detail: 'x' },
  ];
  const pool = openAs(database.url, 6);
  try {
    await Promise.all(Array.from({ length: 12 }, () => pool`select backup.record_health(${pool.json(result)})`));
  } finally {
    await pool.end();
  }
  const [row] = await sql`
    select count(*)::int as count from public.system_health_alerts where event_data ->> 'check' = 'crowd'`;
  assert.equal(row!.count, 1);
});

test("the backup plan's SQL for verification and dashboard runs as written", async () => {
  // In one statement: midnight may pass between two.
  await sql`
    insert into public.system_health_alerts (alert_type, severity, message, event_data, created_at)
    select type, 'info', 'm', jsonb_build_object('duration_seconds', seconds), now() - age * interval '1 day'
    from (values ('backup_completed', 90, 0), ('backup_completed', 90, 1), ('backup_completed', 90, 1), ('backup_failed', 30, 0))
      as said (type, seconds, age)`;
  const [health] = await sql.unsafe(PLAN_SQL.verification);
  assert.equal(Number(health!.backup_count_30_days), 3);
  assert.match(health!.time_since_last_backup, /^00:00:/);
  const dashboard = await sql.unsafe(PLAN_SQL.dashboard);
  assert.deepEqual(
    dashboard.map((row) => [
      Number(row.successful_backups),
      Number(row.failed_backups),
      Number(row.avg_duration_seconds),
    ]),
    [
      [1, 1, 60],
      [2, 0, 90],
    ],
    'what the health checks write beside it changes nothing',
  );
});

test('what opens the backup tables to strangers is an emergency, whoever granted it', async () => {
  assert.equal((await ask(sql, 'own_permissions')).state, 'healthy');
  const causes: [open: string, close: string, says: RegExp][] = [
    [
      'grant usage on schema backup to anon',
      'revoke usage on schema backup from anon',
      /^anon may use the schema backup/,
    ],
    [
      'grant select on backup.setting to authenticated',
      'revoke select on backup.setting from authenticated',
      /^authenticated has a privilege on backup\.setting/,
    ],
    [
      'alter table public.backup_log disable row level security',
      'alter table public.backup_log enable row level security',
      /row level security is off on (public\.)?backup_log/,
    ],
    [
      'grant execute on function public.create_manual_backup(text, uuid) to anon',
      'revoke execute on function public.create_manual_backup(text, uuid) from anon',
      /^anon may call (public\.)?create_manual_backup/,
    ],
  ];
  for (const [open, close, says] of causes) {
    await sql.unsafe(open);
    const line = await ask(sql, 'own_permissions');
    assert.deepEqual([line.state, line.severity], ['unhealthy', 'critical'], open);
    assert.match(line.detail, says);
    await sql.unsafe(close);
  }
  assert.equal((await ask(sql, 'own_permissions')).state, 'healthy');
});

test('growth is the trend over days: one odd backup does not count, a doubling in a month does', async () => {
  assert.equal((await ask(sql, 'size_growth')).state, 'inconclusive');
  const insert = (day: number, bytes: number) => sql`
    insert into public.backup_log (backup_id, backup_type, folder, started_at, completed_at, status, request, raw_bytes)
    values (${`daily_growth_${day}`}, 'daily', ${`daily_growth_${day}`}, ${later(-24 * day)}, ${later(-24 * day)}, 'completed', '{"scope": "full"}', ${bytes})`;
  for (let day = 1; day <= 20; day += 1) await insert(day, 1_000_000 + (20 - day) * 3_000 + (day === 7 ? 9e6 : 0));
  const steady = await ask(sql, 'size_growth');
  assert.equal(steady.state, 'healthy', steady.detail);
  assert.ok(steady.value! > 5 && steady.value! < 12, steady.detail);
  await sql`update public.backup_log set raw_bytes = raw_bytes * (1 + (20 - extract(day from now() - started_at)) * 0.05)`;
  const fast = await ask(sql, 'size_growth');
  assert.deepEqual([fast.state, fast.severity], ['unhealthy', 'warning'], fast.detail);
  await sql`delete from public.backup_log`;
});

test('a table that leads to a user and that nobody decided about is named until somebody does', async () => {
  assert.equal((await ask(sql, 'unmapped_tables')).state, 'healthy');
  await sql`create table public.diaries (id int primary key, author uuid references auth.users)`;
  const line = await ask(sql, 'unmapped_tables');
  assert.deepEqual([line.state, line.value, line.detail], ['unhealthy', 1, 'public.diaries is not mapped']);
  await sql`
    insert into backup.subject_source (schema_name, table_name, decision, note) values ('public', 'diaries', 'excluded', 'test')`;
  assert.equal((await ask(sql, 'unmapped_tables')).state, 'healthy');
});

test('a request of a data subject is named a week before the law wants its answer, and until it has one', async () => {
  assert.equal((await ask(sql, 'subject_requests')).state, 'healthy');
  const [request] = await sql`
    insert into backup.account_export (user_id, way, state, format, requested_at)
    values (gen_random_uuid(), 'job', 'failed', 'zip', now() - interval '20 days') returning id`;
  assert.equal((await ask(sql, 'subject_requests')).state, 'healthy');
  const soon = await ask(sql, 'subject_requests', { now: later(24 * 5) });
  assert.deepEqual([soon.state, soon.severity, soon.value], ['unhealthy', 'warning', 5], soon.detail);
  assert.match(soon.detail, new RegExp(`^export ${request!.id} is due on `));
  assert.equal((await ask(sql, 'subject_requests', { now: later(24 * 11) })).severity, 'critical');
  await sql`update backup.account_export set state = 'delivered', ended_at = now()`;
  assert.equal((await ask(sql, 'subject_requests', { now: later(24 * 11) })).state, 'healthy');
});

test('an erased person must be out of every backup by the day that was promised', async () => {
  assert.equal((await ask(sql, 'erasures_in_backups')).state, 'healthy');
  const [erasure] = await sql`
    insert into backup.erasure (subject_sha256, origin, state, rows_erased_at, ended_at)
    values ('x', 'operator', 'completed', now(), now()) returning erasure_id as id`;
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, request, started_at)
    values ('monthly_old', 'monthly', 'completed', '{}', now() - interval '1 day')`;
  await sql`
    insert into backup.erased_in_backup (backup_id, erasure_id, must_end_by)
    values ('monthly_old', ${erasure!.id}, now() + interval '10 days')`;
  assert.equal((await ask(sql, 'erasures_in_backups', { now: later(24 * 9) })).state, 'healthy');
  const late = await ask(sql, 'erasures_in_backups', { now: later(24 * 12) });
  assert.deepEqual([late.state, late.severity, late.value], ['unhealthy', 'critical', -2]);
  assert.match(late.detail, /^monthly_old holds erasure \S+ and may until /);
  await sql`delete from public.backup_log where backup_id = 'monthly_old'`;
  assert.equal((await ask(sql, 'erasures_in_backups', { now: later(24 * 12) })).state, 'healthy');
});

test('checks of parts that are not installed say so', async () => {
  await admin`drop function backup.erasures_in_backups() cascade`;
  await admin`drop function backup.subject_requests() cascade`;
  await admin`drop function backup.unmapped_subject_tables() cascade`;
  for (const name of ['erasures_in_backups', 'subject_requests', 'unmapped_tables']) {
    const line = await ask(sql, name);
    assert.equal(line.state, 'inconclusive', name);
    assert.match(line.detail, /is not installed$/);
  }
});

test('every check and threshold is in docs/health.md', async () => {
  const text = readFileSync(new URL('../../../docs/health.md', import.meta.url), 'utf8');
  const thresholds = await sql`select name, value::float8 as value from backup.health_threshold`;
  for (const name of CHECKS.map((one) => one.name)) assert.ok(text.includes(`\`${name}\``), name);
  for (const { name, value } of thresholds) {
    assert.match(text, new RegExp(`\\| \`${name}\` \\| ${value} \\|`), name);
  }
});
