/** The session that holds the snapshot dies: the run fails cleanly and is made again, whole. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { untilKeepersAreGone } from '../support/keepers-gone.ts';
import { followRun, hurry } from '../support/operator.ts';
import { storeOf } from '../support/store-of.ts';
import { assertAllRows, assertNoOrphans } from '../support/stored-objects.ts';

/** Who holds it keeps every run from recording rows that it copied. */
const LOCK = 4711;

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
  await admin.unsafe(`
    create function backup.hold_copying() returns trigger language plpgsql set search_path = '' as
      $$ begin perform pg_catalog.pg_advisory_xact_lock_shared(${LOCK}); return null; end $$;
    create trigger hold_copying after insert on backup.segment for each row
      when (new.table_name is not null) execute function backup.hold_copying();`);
});

after(async () => {
  await admin?.end();
  await sql?.end();
  await stack?.stop();
});

test('a run whose keeper is terminated fails with KEEPER_LOST or SNAPSHOT_LOST, cleans up, and its retry completes', async () => {
  let id = '';
  await holdingCopies(async () => {
    const [row] = await sql`select public.create_manual_backup('keeper dies', null) as id`;
    id = row!.id;
    await untilCopying();
    const [gone] = await admin`
      select count(pg_terminate_backend(pid))::int as count from pg_stat_activity where application_name like 'holdfast:%'`;
    assert.equal(gone!.count, 1);
  });
  const ended = await followRun(sql, id, 180_000);
  assert.notEqual(ended.backupId, id, 'another run took its place');
  assert.equal(ended.status, 'completed');
  const [first] = await sql`select status, error from public.backup_log where backup_id = ${id}`;
  assert.equal(first!.status, 'failed');
  assert.match(first!.error.code, /^(KEEPER|SNAPSHOT)_LOST$/);
  await assertNoOrphans(sql, storeOf(stack.env), id);
  await assertNoOrphans(sql, storeOf(stack.env), ended.backupId);
  await assertAllRows(sql, ended.backupId, ['public.bookings', 'auth.users']);
});

test('kill -9 of the keeper restarts the database, and the run is made again, whole', async () => {
  let id = '';
  await holdingCopies(async () => {
    const [row] = await sql`select public.create_manual_backup('keeper is killed', null) as id`;
    id = row!.id;
    await untilCopying();
    const [keeper] = await admin`select pid from pg_stat_activity where application_name like 'holdfast:%'`;
    process.kill(keeper!.pid, 'SIGKILL');
    await untilDatabaseIsBack();
  });
  const ended = await followRun(sql, id, 180_000);
  assert.notEqual(ended.backupId, id, 'another run took its place');
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  await assertNoOrphans(sql, storeOf(stack.env), id);
  await assertNoOrphans(sql, storeOf(stack.env), ended.backupId);
  await assertAllRows(sql, ended.backupId, ['public.bookings', 'auth.users']);
});

test('the keeper ends and its job is unscheduled when its run is over', async () => {
  const [row] = await sql`select public.create_manual_backup('keeper goes', null) as id`;
  const ended = await followRun(sql, row!.id, 180_000);
  assert.equal(ended.status, 'completed');
  await untilKeepersAreGone(sql);
});

/** The lock is over with the work, also when the database was restarted meanwhile. */
async function holdingCopies(work: () => Promise<void>): Promise<void> {
  const holder = postgres(stack.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
  try {
    await holder`select pg_advisory_lock(${LOCK})`;
    await work();
  } finally {
    await holder.end();
  }
}

/** Until rows are copied that cannot be recorded. */
async function untilCopying(): Promise<void> {
  for (let tries = 0; tries < 1200; tries += 1) {
    const [held] = await admin`
      select from pg_locks where locktype = 'advisory' and objid = ${LOCK} and mode = 'ShareLock' and not granted`;
    if (held) return;
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
