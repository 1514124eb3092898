/** A row that no worker call can carry: found by the plan where there is time for it, by the copy otherwise. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { refuseLargeRows } from '../../../supabase/functions/_shared/backup/refuse-large-rows.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { readCatalog } from '../../../supabase/functions/_shared/postgres/read-catalog.ts';
import { beginSnapshot } from '../../../supabase/functions/_shared/postgres/snapshot.ts';
import { keepSnapshot, openProject, type Project } from './task-harness.ts';

const MIB = 1024 * 1024;

let project: Project;

beforeEach(async () => {
  project = await openProject();
});

afterEach(() => project.close());

/** 50,000 small rows, and behind them one of 3 MiB. */
async function makeLargeRow(): Promise<void> {
  await project.other`create table public.t as select i, ''::text as body from generate_series(1, 50000) i`;
  await project.other`insert into public.t values (0, repeat('x', ${3 * MIB}))`;
}

test('a row that is too large is named, with its size, before anything is copied', async () => {
  await makeLargeRow();
  const run = await project.end(await project.start(), { limits: { maxRowBytes: MIB } });
  assert.equal(run.status, 'failed');
  assert.equal(run.error?.code, 'ROW_TOO_LARGE');
  assert.match(run.error.message, /has 31457\d\d bytes/);
});

test('a table that takes too long to look through does not stop the plan: the copy finds the row', async () => {
  await makeLargeRow();
  const limits = { maxRowBytes: MIB, largeRowsMs: 1 };
  const id = await project.start();
  await project.work({ limits });
  const [plan] = await project.other`
    select state, payload -> 'keeper' as keeper from backup.task where backup_id = ${id} order by id desc limit 1`;
  assert.deepEqual({ ...plan }, { state: 'pending', keeper: true }, 'the plan went on, and one call proved too little');
  const kept = keepSnapshot(project, id);
  const run = await project.end(id, { limits });
  await kept;
  assert.equal(run.status, 'failed');
  assert.equal(run.error?.code, 'ROW_TOO_LARGE');
  const [{ ctid }] = (await project.other`select ctid::text from public.t where i = 0`) as unknown as [
    { ctid: string },
  ];
  assert.ok(run.error.message.startsWith(`the row at ctid ${ctid} of public.t is larger than`), run.error.message);
});

test('a scan that is stopped leaves the transaction as it was: open, with its snapshot and without a time limit', async () => {
  await makeLargeRow();
  const session = await openSession(nodePlatform, project.databaseUrl);
  try {
    const { pgSnapshot } = await beginSnapshot(session);
    const { tables } = await readCatalog(session);
    const table = tables.filter((one) => one.schema === 'public' && one.name === 't');
    assert.equal(table.length, 1);
    await project.other.begin(async (sql) => {
      await sql`lock table public.t in access exclusive mode`; // the scan cannot even begin
      await refuseLargeRows(session, table, { maxRowBytes: MIB, largeRowsMs: 1000 });
    });
    const [after] = await session.query(
      "select current_setting('statement_timeout'), pg_current_snapshot()::text, count(*)::text from public.t",
    );
    assert.deepEqual(after, ['0', pgSnapshot, '50001']);
    await assert.rejects(refuseLargeRows(session, table, { maxRowBytes: MIB }), { code: 'ROW_TOO_LARGE' });
  } finally {
    await session.close();
  }
});
