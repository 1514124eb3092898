/** The tests' own tools: databases are separate, templates survive a race, and a leak is not forgiven. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import postgres from 'postgres';
import { findLeaks } from '../../scripts/dev/test/find-leaks.ts';
import { processesOfRun } from '../../scripts/dev/test/run-processes.ts';
import { POSTGRES_MAJORS, testServerUrl } from '../support/postgres-server.ts';
import { createTestDatabase } from '../support/template-database.ts';

const major = POSTGRES_MAJORS[0] as 15 | 17;

test('databases of one template do not see each other', async () => {
  const [a, b] = await Promise.all([1, 2].map(() => createTestDatabase({ major, template: 'supabase' })));
  assert.ok(a && b);
  const sql = postgres(a.url, { max: 1 });
  const other = postgres(b.url, { max: 1 });
  try {
    await sql`create table public.mine ()`;
    assert.equal((await other`select to_regclass('public.mine') as name`)[0]?.name, null);
  } finally {
    await Promise.all([sql.end({ timeout: 5 }), other.end({ timeout: 5 })]);
    await Promise.all([a.drop(), b.drop()]);
  }
});

test('drop() takes replication slots along and can be called twice', async () => {
  const database = await createTestDatabase({ major, template: 'empty' });
  const sql = postgres(database.url, { max: 1 });
  await sql`select pg_create_logical_replication_slot(${database.name}, 'test_decoding')`;
  await sql.end({ timeout: 5 });
  await database.drop();
  await database.drop();
});

test('a connection left open is an error, and the database is gone all the same', async () => {
  const database = await createTestDatabase({ major, template: 'empty' });
  const sql = postgres(database.url, { max: 1, onclose: () => {} });
  await sql`select 1`;
  await assert.rejects(database.drop(), { code: 'TEST_CONNECTION_LEAKED' });
  await sql.end({ timeout: 1 });
  await assert.rejects(
    async () => {
      const again = postgres(database.url, { max: 1 });
      await again`select 1`.finally(() => again.end({ timeout: 1 }));
    },
    { code: '3D000' },
  );
});

test('a process that a run leaves behind is found and ended, other processes are not', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async () => {
  const mark = `leak-${process.pid}`;
  const { HOLDFAST_TEST_RUN: _outer, ...environment } = process.env;
  const sleeper = (run: string) =>
    spawn('sleep', ['60'], { detached: true, stdio: 'ignore', env: { ...environment, HOLDFAST_TEST_RUN: run } });
  const leaked = sleeper(mark);
  const innocent = sleeper(`${mark}-other`);
  try {
    const ended = new Promise((resolve) => leaked.once('exit', (_code, signal) => resolve(signal)));
    const leaks = await findLeaks({ mark, groupIds: [leaked.pid as number], serverUrls: [] });
    assert.deepEqual(leaks, [`process ${leaked.pid} still runs: sleep 60`]);
    assert.equal(await ended, 'SIGKILL');
    assert.deepEqual(await processesOfRun({ mark, groupIds: [leaked.pid as number] }), []);
    assert.equal(innocent.exitCode, null);
  } finally {
    innocent.kill('SIGKILL');
  }
});

test('a server with a forgotten database and slot is reported', async () => {
  // A server of the other version is shared too, so only what this test leaves is looked for.
  const database = await createTestDatabase({ major, template: 'empty' });
  const sql = postgres(database.url, { max: 1 });
  await sql`select pg_create_logical_replication_slot(${database.name}, 'test_decoding')`;
  await sql.end({ timeout: 5 });
  try {
    const leaks = await findLeaks({ mark: 'none', groupIds: [], serverUrls: [await testServerUrl(major)] });
    assert.ok(leaks.includes(`database ${database.name} was not dropped`));
    assert.ok(leaks.includes(`replication slot ${database.name} was not dropped`));
  } finally {
    await database.drop();
  }
});
