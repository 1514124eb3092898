/** The session that holds the snapshot dies: the run fails cleanly and is made again, whole. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { untilKeepersAreGone } from '../support/keepers-gone.ts';
import { followRun, hurry } from '../support/operator.ts';
import { storeOf } from '../support/store-of.ts';
import { assertAllRows, assertNoOrphans } from '../support/stored-objects.ts';

let stack: Stack;
let admin: postgres.Sql;
let sql: postgres.Sql;

before(async () => {
  stack = await startStack({
    rows: 6000,
    workers: 6,
    workerEnv: { BACKUP_SINGLE_CALL_BYTES: '0', BACKUP_SLICE_BYTES: '524288' },
  });
  const options = { max: 2, onnotice: () => {} };
  admin = postgres(stack.env.ADMIN_DATABASE_URL!, options);
  sql = postgres(stack.env.DATABASE_URL!, options);
  await hurry(sql);
});

after(async () => {
  await admin?.end();
  await sql?.end();
  await stack?.stop();
});

test('a run whose keeper is terminated fails with KEEPER_LOST or SNAPSHOT_LOST, cleans up, and its retry completes', async () => {
  const [row] = await sql`select public.create_manual_backup('keeper dies', null) as id`;
  await untilCopying(row!.id);
  const [gone] = await admin`
    select count(pg_terminate_backend(pid))::int as count from pg_stat_activity where application_name like 'holdfast:%'`;
  assert.equal(gone!.count, 1);
  const ended = await followRun(sql, row!.id, 60_000);
  assert.notEqual(ended.backupId, row!.id, 'another run took its place');
  assert.equal(ended.status, 'completed');
  const [first] = await sql`select status, error from public.backup_log where backup_id = ${row!.id}`;
  assert.equal(first!.status, 'failed');
  assert.match(first!.error.code, /^(KEEPER|SNAPSHOT)_LOST$/);
  await assertNoOrphans(sql, storeOf(stack.env), row!.id);
  await assertNoOrphans(sql, storeOf(stack.env), ended.backupId);
  await assertAllRows(sql, ended.backupId, ['public.bookings', 'auth.users']);
});

test('kill -9 of the keeper restarts the database, and the run is made again, whole', async () => {
  const [row] = await sql`select public.create_manual_backup('keeper is killed', null) as id`;
  await untilCopying(row!.id);
  const [keeper] = await admin`select pid from pg_stat_activity where application_name like 'holdfast:%'`;
  process.kill(keeper!.pid, 'SIGKILL');
  await untilDatabaseIsBack();
  const ended = await followRun(sql, row!.id, 90_000);
  assert.notEqual(ended.backupId, row!.id, 'another run took its place');
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  await assertNoOrphans(sql, storeOf(stack.env), row!.id);
  await assertNoOrphans(sql, storeOf(stack.env), ended.backupId);
  await assertAllRows(sql, ended.backupId, ['public.bookings', 'auth.users']);
});

test('the keeper ends and its job is unscheduled when its run is over', async () => {
  const [row] = await sql`select public.create_manual_backup('keeper goes', null) as id`;
  const ended = await followRun(sql, row!.id, 60_000);
  assert.equal(ended.status, 'completed');
  await untilKeepersAreGone(sql);
});

async function untilCopying(backupId: string): Promise<void> {
  for (let tries = 0; tries < 240; tries += 1) {
    const [row] = await sql`
      select stage, (select count(*)::int from backup.segment where backup_id = ${backupId}) as segments
      from public.backup_log where backup_id = ${backupId}`;
    if (row!.stage === 'copying' && row!.segments > 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the run never copied');
}

async function untilDatabaseIsBack(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      await Promise.all([sql`select 1`, admin`select 1`]);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200)); // still recovering: asked again until it answers
    }
  }
  throw new Error('the database did not come back');
}
