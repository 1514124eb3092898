/** Each check turned red and green by a real cause: real backups, the real store, real keys, a real drill. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { type Stack, startStack } from '../../../scripts/dev/stack/start-stack.ts';
import { followRun } from '../../support/operator.ts';
import { runScript } from '../../support/run-script.ts';
import { storeOf } from '../../support/store-of.ts';
import { makeKeyring } from '../export/export-harness.ts';
import { ask, eventually, later, openAs, PLAN_SQL, setSetting, setThreshold } from './health-harness.ts';

let stack: Stack;
let sql: postgres.Sql;

before(async () => {
  stack = await startStack({ rows: 300, s3: 's3rver' });
  sql = openAs(stack.env.DATABASE_URL!);
  // Half a day away: a run that the stack begins by itself, at 02:00 say, would count among those of the tests.
  const away = `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;
  await sql`select backup.schedule_set(name, p_cron => ${away}) from backup.schedule where enabled`;
});

after(async () => {
  await sql?.end();
  await stack?.stop();
});

async function backUp(cadence = 'daily', request: object = { scope: 'full' }): Promise<string> {
  const facts = sql.json({ ...request, cadence, reason: 'test' });
  const [row] = await sql`select backup.start_run(${facts}) as id`;
  const ended = await followRun(sql, row!.id, 120_000);
  return ended.backupId;
}

/** State and severity of a check: what most tests look at. */
async function verdict(name: string, asked: Parameters<typeof ask>[2] = {}): Promise<string> {
  const { state, severity } = await ask(sql, name, asked);
  return state === 'unhealthy' ? severity : state;
}

test('no backup is an emergency, a backup mends it, and 25 hours later it is one again', async () => {
  assert.equal(await verdict('last_backup'), 'inconclusive', 'the project was just made');
  await sql`update backup.setting set updated_at = now() - interval '26 hours' where name = 'functions_url'`;
  assert.equal(await verdict('last_backup'), 'critical');
  assert.equal(await verdict('recovery_points'), 'critical');
  assert.equal(await verdict('backup_duration'), 'inconclusive');
  assert.equal(await verdict('integrity'), 'inconclusive');
  assert.equal(await verdict('success_rate'), 'inconclusive');
  await backUp();
  const line = await ask(sql, 'last_backup');
  assert.equal(line.state, 'healthy', line.detail);
  assert.equal(line.threshold, 25);
  assert.equal(await verdict('last_backup', { now: later(24.9) }), 'healthy');
  assert.equal(await verdict('last_backup', { now: later(25.1) }), 'critical');
});

test('a backup of some tables is no backup of everything', async () => {
  await sql`update public.backup_log set started_at = started_at - interval '30 hours'`;
  await backUp('on-demand', { scope: 'tables', tables: ['public.bookings'] });
  assert.equal(await verdict('last_backup'), 'critical');
  await sql`update public.backup_log set started_at = started_at + interval '30 hours'`;
  assert.equal(await verdict('last_backup'), 'healthy');
});

test('a scheduled run that fails for good spoils the rate until it leaves the window', async () => {
  const good = await ask(sql, 'success_rate');
  assert.deepEqual([good.state, good.value], ['healthy', 100], good.detail);
  await backUp('daily', { scope: 'tables', tables: ['public.no_such_table'] });
  const bad = await ask(sql, 'success_rate');
  assert.deepEqual([bad.state, bad.value], ['unhealthy', 50], bad.detail);
  assert.equal(await verdict('success_rate', { now: later(24 * 31) }), 'inconclusive', 'both have left it');
  await setThreshold(sql, 'success_rate_percent', 50);
  assert.equal(await verdict('success_rate'), 'healthy', 'the owner sets the rate');
  await setThreshold(sql, 'success_rate_percent', 100);
});

test("the backup plan's queries show what these real runs left, beside the changes of health", async () => {
  const [{ count: changes }] = (await sql`
    select count(*)::int from public.system_health_alerts where alert_type like 'health_check_%'`) as unknown as [
    { count: number },
  ];
  assert.ok(changes > 5, `${changes} changes of state`);
  const [health] = await sql.unsafe(PLAN_SQL.verification);
  assert.match(health!.time_since_last_backup, /^00:/);
  assert.equal(Number(health!.backup_count_30_days), 2);
  const days = await sql.unsafe(PLAN_SQL.dashboard);
  const sum = (name: string) => days.reduce((total, row) => total + Number(row[name]), 0);
  assert.deepEqual([sum('successful_backups'), sum('failed_backups')], [2, 1]);
  assert.ok(days.every((row) => Number(row.avg_duration_seconds) >= 0));
});

test('a backup that waits behind a lock takes too long while it runs and afterwards; the next one does not', async () => {
  assert.equal(await verdict('backup_duration'), 'healthy');
  await setThreshold(sql, 'daily_minutes', 5 / 60);
  const locker = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
  let id = '';
  await locker.begin(async (transaction) => {
    await transaction`lock table public.bookings in access exclusive mode`;
    const [row] = await sql`select backup.start_run('{"scope": "full", "cadence": "daily"}') as id`;
    id = row!.id;
    await sql`select backup.tick()`;
    const line = await eventually(async () => {
      const found = await ask(sql, 'backup_duration');
      return found.detail.startsWith(`${id} `) ? found : undefined;
    });
    assert.equal(line.state, 'unhealthy');
    assert.match(line.detail, /^daily_\S+ has been running for /);
  });
  await locker.end();
  const slow = await followRun(sql, id, 120_000);
  assert.match(slow.status, /^completed/, JSON.stringify(slow.row.error));
  assert.match((await ask(sql, 'backup_duration')).detail, / took /);
  assert.equal(await verdict('backup_duration'), 'warning');
  await setThreshold(sql, 'daily_minutes', 10);
  assert.equal(await verdict('backup_duration'), 'healthy');
});

test('a table that was emptied is an alarm in the next backup, and mended in the one after', async () => {
  await sql`create table public.kept_notes as select i as id, repeat('x', 50) as note from generate_series(1, 100) i`;
  await sql`create table public.queue as select i as id from generate_series(1, 50) i`;
  await backUp();
  await sql`truncate public.queue`;
  await backUp();
  const emptied = await ask(sql, 'table_anomalies');
  assert.equal(emptied.state, 'unhealthy', emptied.detail);
  assert.match(emptied.detail, /^public\.queue: is empty; it had 50 rows/);
  await sql`insert into public.queue select i from generate_series(1, 50) i`;
  await backUp();
  // Once it has been empty, that is something it does.
  await sql`truncate public.queue`;
  await backUp();
  const again = await ask(sql, 'table_anomalies');
  assert.notEqual(again.state, 'unhealthy', again.detail);
});

test('a table that shrinks, grows out of all proportion or disappears stands out from its history', async () => {
  await setThreshold(sql, 'anomaly_least_backups', 3);
  const usual = await ask(sql, 'table_anomalies');
  assert.equal(usual.state, 'healthy', usual.detail);
  await sql`delete from public.kept_notes where id > 30`;
  await backUp();
  assert.match((await ask(sql, 'table_anomalies')).detail, /^public\.kept_notes: has shrunk to 30 rows; it had 100/);
  await sql`insert into public.kept_notes select i, 'x' from generate_series(31, 2000) i`;
  await backUp();
  assert.match((await ask(sql, 'table_anomalies')).detail, /^public\.kept_notes: has 2000 rows; it had 100/);
  await sql`drop table public.kept_notes`;
  await backUp();
  assert.match((await ask(sql, 'table_anomalies')).detail, /^public\.kept_notes: is gone; it had 100 rows/);
  await backUp();
  assert.equal(await verdict('table_anomalies'), 'healthy', 'what was gone before is known');
});

test('recovery points grow with the time since the backup, each category against its own objective', async () => {
  await backUp();
  assert.equal(await verdict('recovery_points'), 'healthy');
  const soon = await ask(sql, 'recovery_points', { now: later(0.4) });
  assert.deepEqual(
    soon.items.filter(({ state }) => state === 'unhealthy').map(({ name }) => name),
    ['financial'],
  );
  assert.equal(soon.severity, 'warning');
  const day = await ask(sql, 'recovery_points', { now: later(24.5) });
  assert.ok(day.items.length >= 4);
  assert.ok(day.items.every(({ state }) => state === 'unhealthy'));
  assert.equal(await verdict('recovery_points', { now: later(25.5) }), 'critical');
  await sql`update backup.data_category set recovery_point = '2 days'`;
  assert.equal(await verdict('recovery_points', { now: later(24.5) }), 'healthy');
});

test('storage and database sizes are held against what the owner says there is', async () => {
  const free = await ask(sql, 'storage_capacity');
  assert.deepEqual([free.state, free.value], ['healthy', null]);
  const [sum] = await sql`
    select sum(stored_bytes)::float8 as bytes from public.backup_log where status like 'completed%'`;
  await setSetting(sql, 'storage_limit_bytes', Math.round(sum!.bytes * 1.1));
  const tight = await ask(sql, 'storage_capacity');
  assert.deepEqual([tight.state, tight.severity, Math.round(tight.value!)], ['unhealthy', 'warning', 91]);
  await setSetting(sql, 'storage_limit_bytes', Math.round(sum!.bytes / 2));
  assert.equal(await verdict('storage_capacity'), 'critical');
  await setSetting(sql, 'storage_limit_bytes', Math.round(sum!.bytes * 10));
  assert.equal(await verdict('storage_capacity'), 'healthy');

  assert.equal(await verdict('database_size'), 'healthy');
  const [size] = await sql`select pg_database_size(current_database())::float8 as bytes`;
  await setSetting(sql, 'plan_database_bytes', Math.round(size!.bytes * 1.15));
  assert.equal(await verdict('database_size'), 'warning');
  await setSetting(sql, 'plan_database_bytes', 8_000_000_000);
  assert.equal(await verdict('database_size'), 'healthy');
});

test('a real drill proves that backups restore; without one, or a week later, nothing does', async () => {
  assert.equal(await verdict('restore_capability', { now: later(8.5 * 24) }), 'warning');
  assert.equal(await verdict('recovery_times'), 'inconclusive');
  const { code, stdout, stderr } = await runScript('test-backup-restore.ts', ['--backup', 'latest', '--json'], {
    ...stack.env,
    BACKUP_PGP_PRIVATE_KEYS_FILE: stack.env.PGP_PRIVATE_KEY_FILE,
  });
  assert.equal(code, 0, stdout.slice(0, 2000) + stderr);
  const passed = await ask(sql, 'restore_capability');
  assert.equal(passed.state, 'healthy', passed.detail);
  assert.match(passed.detail, /passed; the restore took /);
  assert.equal(await verdict('recovery_times'), 'healthy');
  await sql`update backup.data_category set recovery_time = '1 millisecond' where name = 'financial'`;
  const slow = await ask(sql, 'recovery_times');
  assert.deepEqual(
    slow.items.filter(({ state }) => state === 'unhealthy').map(({ name }) => name),
    ['financial'],
  );
  await sql`update backup.data_category set recovery_time = '1 hour' where name = 'financial'`;
  assert.equal(await verdict('restore_capability', { now: later(8.5 * 24) }), 'warning');
});

test('an integrity check of the store is no drill, and a failed drill is an emergency', async () => {
  await sql`
    insert into public.backup_tests (backup_id, test_type, completed_at, success)
    values ('x', 'integrity_check', now(), false)`;
  await sql`
    insert into public.backup_tests (backup_id, test_type, completed_at, status) values ('x', 'weekly', now(), 'cancelled')`;
  assert.equal(await verdict('restore_capability'), 'healthy', 'nor is one that was cancelled');
  const [row] = await sql`
    insert into public.backup_tests (backup_id, test_type, completed_at, success)
    values ('x', 'weekly', now(), false) returning id`;
  assert.equal(await verdict('restore_capability'), 'critical');
  await sql`delete from public.backup_tests where id = ${row!.id}`;
});

test('one changed byte in the store fails the next verification, and integrity with it', async () => {
  const before = await ask(sql, 'integrity');
  assert.equal(before.state, 'healthy', before.detail);
  assert.equal(await verdict('integrity', { now: later(24 * 91) }), 'warning', 'verifications grow old');
  const id = await backUp('manual');
  const [log] = await sql`select folder from public.backup_log where backup_id = ${id}`;
  const [segment] = await sql`
    select path from backup.segment where backup_id = ${id} and kind = 'segment' order by stored_bytes desc limit 1`;
  const store = storeOf(stack.env);
  const key = `${log!.folder}/${segment!.path}`;
  const bytes = await store.getBytes(key);
  bytes[bytes.length - 1]! ^= 1;
  await store.put(key, bytes);
  await sql`select backup.start_verification(${id}, 'deep', '[{"plan": true}]', null)`;
  await followRun(sql, id, 180_000);
  const damaged = await ask(sql, 'integrity');
  assert.deepEqual([damaged.state, damaged.severity], ['unhealthy', 'critical']);
  assert.equal(damaged.detail, `${id} fails verification`);
  await sql`delete from public.backup_log where backup_id = ${id}`;
  assert.equal(await verdict('integrity'), 'healthy', 'a backup that is gone is no problem any more');
});

test('the heartbeat verifies an old backup again, byte by byte where that is set, and finds what the store lost', async () => {
  const id = await backUp('manual');
  const again = async () => {
    await sql`
      update public.backup_verification set verification_date = verification_date - interval '85 days' where backup_id = ${id}`;
    assert.equal(await verdict('integrity', { now: later(24 * 6) }), 'warning', 'in six days it would be too old');
    return await eventually(async () => {
      await sql`select backup.tick()`;
      await followRun(sql, id, 180_000);
      const [row] = await sql`
        select details, success from public.backup_verification
        where backup_id = ${id} and details ->> 'again' = 'true' and details ->> 'state' is not null
          and verification_date > now() - interval '1 day'`;
      return row;
    }, 60_000);
  };
  const quick = await again();
  assert.deepEqual([quick.success, quick.details.kind], [true, 'quick'], JSON.stringify(quick));
  assert.equal(await verdict('integrity', { now: later(24 * 6) }), 'healthy');
  const [log] = await sql`select folder from public.backup_log where backup_id = ${id}`;
  const [segment] = await sql`
    select path from backup.segment where backup_id = ${id} and kind = 'segment' order by stored_bytes desc limit 1`;
  const store = storeOf(stack.env);
  const key = `${log!.folder}/${segment!.path}`;
  const bytes = await store.getBytes(key);
  bytes[bytes.length - 1]! ^= 1;
  await store.put(key, bytes);
  await sql`update backup.setting set value = '"deep"' where name = 'reverify_kind'`;
  const deep = await again();
  assert.deepEqual([deep.success, deep.details.kind], [false, 'deep'], JSON.stringify(deep));
  assert.equal(await verdict('integrity'), 'critical');
  await sql`delete from public.backup_log where backup_id = ${id}`;
  await sql`delete from public.backup_verification where backup_id = ${id}`;
});

test('a backup that nobody verified for a day is named', async () => {
  const id = await backUp('manual');
  await sql`delete from public.backup_verification where backup_id = ${id}`;
  assert.equal(await verdict('integrity'), 'inconclusive');
  const line = await ask(sql, 'integrity', { now: later(25) });
  assert.deepEqual([line.state, line.detail], ['unhealthy', `${id} was never verified`]);
  await sql`delete from public.backup_log where backup_id = ${id}`;
});

test('keys are looked at before they expire, and an expired one is an emergency', async () => {
  const soon = makeKeyring('Soon <soon@example.com>', '20d');
  const publicKeys = readFileSync(stack.env.PGP_PUBLIC_KEY_FILE!, 'utf8');
  try {
    assert.equal(await verdict('key_expiry'), 'inconclusive');
    assert.equal(await verdict('key_expiry', { publicKeys }), 'healthy');
    const line = await ask(sql, 'key_expiry', { publicKeys: publicKeys + soon.publicKeys });
    assert.deepEqual([line.state, line.severity, line.items.length], ['unhealthy', 'warning', 2], line.detail);
    assert.ok(line.value! > 19 && line.value! <= 20);
    assert.equal(await verdict('key_expiry', { publicKeys: soon.publicKeys, now: later(24 * 21) }), 'critical');
    assert.equal(await verdict('key_expiry', { publicKeys: 'not a key' }), 'critical');
    await setThreshold(sql, 'key_expiry_days', 10);
    assert.equal(await verdict('key_expiry', { publicKeys: soon.publicKeys }), 'healthy');
  } finally {
    soon.dispose();
  }
});

test('the function evaluates everything by itself, and pg_net and the functions are found alive', async () => {
  const [{ at: before }] = (await sql`select coalesce(max(at), '-infinity'::timestamptz)::text as at
    from backup.heartbeat where name = 'evaluation'`) as unknown as [{ at: string }];
  await sql`delete from backup.job where kind = 'health_check' and state = 'done'`;
  await sql`select backup.tick()`;
  await eventually(
    async () =>
      (await sql`select from backup.heartbeat where name = 'evaluation' and at > ${before}::timestamptz`).length > 0
        ? true
        : undefined,
    60_000,
  );
  await sleep(100);
  await sql`select backup.tick()`;
  const rows = await sql`select check_name, state from backup.health_state where category = 'platform' order by 1`;
  assert.deepEqual(
    rows.map((row) => [row.check_name, row.state]),
    [
      ['functions', 'healthy'],
      ['heartbeat_steps', 'healthy'],
      ['pg_cron', 'healthy'],
      ['pg_net', 'healthy'],
    ],
  );
  const job = await eventually(
    async () => (await sql`select result from backup.job where kind = 'health_check' and state = 'done'`)[0],
  );
  assert.ok(['healthy', 'unhealthy', 'inconclusive'].includes(job.result.state));
  const [key] = await sql`select state from backup.health_state where check_name = 'key_expiry'`;
  assert.equal(key!.state, 'healthy', "the function knows the functions' keys");
});

test('backups that really grow are a warning that names the tables, until they stop growing', {
  timeout: 240_000,
}, async () => {
  await sql`update public.backup_log set started_at = started_at - interval '100 days'`;
  await sql`create table public.growing as select i as id, md5(i::text) as note from generate_series(1, 100) i`;
  const week = async (rows: number) => {
    for (const daysAgo of [8, 6, 4, 2, 0]) {
      await sql`insert into public.growing select i, repeat(md5(i::text), 30) from generate_series(1, ${rows}) i`;
      const id = await backUp();
      await sql`update public.backup_log set started_at = started_at - ${daysAgo} * interval '1 day' where backup_id = ${id}`;
    }
  };
  await week(1000);
  const grown = await ask(sql, 'size_growth');
  assert.deepEqual([grown.state, grown.severity], ['unhealthy', 'warning'], grown.detail);
  assert.match(grown.detail, /^in 30 days, backups by [\d.]+ %$/);
  const [named, ...others] = grown.items.slice(2);
  assert.deepEqual([named?.name, others], ['public.growing', []]);
  assert.match(named?.detail ?? '', /^grew from \d{3}\.\d kB to 4\.\d MB of data$/, JSON.stringify(grown.items));
  await sql`update public.backup_log set started_at = started_at - interval '50 days' where started_at > now() - interval '50 days'`;
  await week(0);
  const rested = await ask(sql, 'size_growth');
  assert.equal(rested.state, 'healthy', rested.detail);
});
