/** What is large for an edge function: many tables, a gigabyte, a value that no worker call can carry. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import postgres from 'postgres';
import { type Stack, startStack } from '../../scripts/dev/stack/start-stack.ts';
import { followRun } from '../support/operator.ts';
import { storeOf } from '../support/store-of.ts';
import { assertAllRows, assertNoOrphans } from '../support/stored-objects.ts';

let stack: Stack;
let sql: postgres.Sql;

before(async () => {
  stack = await startStack({ rows: 200, workers: 6 });
  sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {}, connection: { statement_timeout: 0 } });
});

after(async () => {
  await sql?.end();
  await stack?.stop();
});

async function backUp(timeoutMs: number, scope: 'full' | 'critical' = 'full') {
  const [row] =
    scope === 'full'
      ? await sql`select public.create_manual_backup('limits', null) as id`
      : await sql`select backup.start_run(${sql.json({ scope, cadence: 'manual' })}) as id`;
  return await followRun(sql, row!.id, timeoutMs);
}

test('a backup of few tables is made by a single call, and the manifest will say so', async () => {
  const ended = await backUp(60_000, 'critical');
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  assert.equal(ended.row.way, 'single-transaction');
  const [calls] =
    await sql`select count(*)::int as count from backup.task where backup_id = ${ended.backupId} and kind in ('schema', 'copy')`;
  assert.equal(calls!.count, 0);
});

test('a value of 200 MB fails the run before it copies anything, and the error names the row, its size and the limit', async () => {
  await sql`create table public.huge (id int primary key, body text)`;
  await sql`insert into public.huge values (1, 'small'), (2, repeat('0123456789', 20 * 1024 * 1024))`;
  try {
    const ended = await backUp(60_000);
    assert.equal(ended.status, 'failed');
    const error = ended.row.error as { code: string; kind: string; message: string; hint: string };
    assert.equal(error.code, 'ROW_TOO_LARGE');
    assert.match(error.message, /public\.huge/);
    assert.match(error.message, /BACKUP_MAX_ROW_BYTES/);
    assert.match(error.message, /2097152\d\d/);
    assert.match(error.hint, /export-critical-data/);
    assert.equal(ended.row.attempt, 1, 'it is not tried again');
    await assertNoOrphans(sql, storeOf(stack.env), ended.backupId);
  } finally {
    await sql`drop table public.huge`;
  }
});

test('a thousand tables are backed up, each with its rows', async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `many_${index}`);
  await sql.unsafe(names.map((name) => `create table public.${name} as select generate_series(1, 3) as n;`).join('\n'));
  const ended = await backUp(180_000);
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  assert.ok((ended.row.table_count as number) >= 1000);
  await assertAllRows(sql, ended.backupId, ['public.many_0', 'public.many_500', 'public.many_999']);
  await sql.unsafe(`${names.map((name) => `drop table public.${name};`).join('\n')}`);
});

test('a table of one gigabyte is backed up in slices that fit a worker call', async () => {
  await sql`create table public.big (id bigint primary key, a text, b text)`;
  await sql`insert into public.big select i, md5(i::text) || repeat(md5((i * 7)::text), 14), md5((i * 3)::text) || repeat('x', 450) from generate_series(1, 1000000) i`;
  const [size] = await sql`select pg_relation_size('public.big')::float8 as bytes`;
  assert.ok(size!.bytes > 1e9, `${size!.bytes} bytes`);
  const ended = await backUp(300_000);
  assert.equal(ended.status, 'completed', JSON.stringify(ended.row.error));
  assert.equal(ended.row.way, 'keeper');
  await assertAllRows(sql, ended.backupId, ['public.big']);
  const [largest] =
    await sql`select max(raw_bytes)::float8 as bytes from backup.segment where backup_id = ${ended.backupId}`;
  assert.ok(largest!.bytes < 64 * 1024 * 1024, `the largest segment has ${largest!.bytes} bytes`);
  await sql`drop table public.big`;
});

test('an unreadable table is named, and the backup is completed with limits', async () => {
  const admin = postgres(stack.env.ADMIN_DATABASE_URL!, { max: 1, onnotice: () => {} });
  try {
    await admin.unsafe('create schema hidden; create table hidden.t (a int); revoke all on schema hidden from public;');
    await admin.unsafe('revoke pg_read_all_data from postgres');
    await admin.unsafe(
      'grant select on all tables in schema auth, storage to postgres; grant usage on schema auth, storage to postgres',
    );
    const ended = await backUp(60_000);
    assert.equal(ended.status, 'completed_with_limits', JSON.stringify(ended.row.error));
    const limits = ended.row.limits as { code: string; object: string }[];
    assert.ok(
      limits.some(({ code, object }) => code === 'TABLE_UNREADABLE' && object === 'hidden.t'),
      JSON.stringify(limits),
    );
  } finally {
    await admin.unsafe('grant pg_read_all_data to postgres; drop schema hidden cascade');
    await admin.end();
  }
});
