/** pg_cron itself, from Debian, drives tick and keeper; nothing else in this file calls them. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import postgres from 'postgres';
import { startStack } from '../../scripts/dev/stack/start-stack.ts';
import { untilKeepersAreGone } from '../support/keepers-gone.ts';
import { assertAllRows } from '../support/stored-objects.ts';

const PG_BIN = '/usr/lib/postgresql/15/bin';
const installed = existsSync('/usr/lib/postgresql/15/lib/pg_cron.so');

test("pg_cron's keeper holds the snapshot of a sliced backup, and its tick restarts a run whose worker was never called", {
  skip: installed ? false : 'postgresql-15-cron is not installed',
  timeout: 320_000,
}, async () => {
  const stack = await startStack({
    pg: 15,
    pgBin: PG_BIN,
    cron: 'real',
    rows: 3000,
    workers: 6,
    workerEnv: { BACKUP_SINGLE_CALL_BYTES: '0', BACKUP_SLICE_BYTES: '1048576' },
  });
  const sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
  try {
    // start_run() alone calls nobody: the first worker is tick's.
    const [row] = await sql`select backup.start_run('{"scope": "full", "cadence": "manual"}') as id`;
    const status = await untilEnded(sql, row!.id);
    assert.equal(status, 'completed');
    await assertAllRows(sql, row!.id, ['public.bookings', 'auth.users']);
    const ticks = await sql`
      select status from cron.job_run_details d join cron.job j using (jobid) where j.jobname = 'holdfast-tick'`;
    assert.ok(ticks.length > 0 && ticks.every((tick) => tick.status !== 'failed'), JSON.stringify(ticks));
    await untilKeepersAreGone(sql);
  } finally {
    await sql.end();
    await stack.stop();
  }
});

async function untilEnded(sql: postgres.Sql, backupId: string): Promise<string> {
  const until = Date.now() + 200_000;
  for (;;) {
    const [row] = await sql`select status, stage, error from public.backup_log where backup_id = ${backupId}`;
    if (row!.status !== 'in_progress') return row!.status === 'failed' ? JSON.stringify(row!.error) : row!.status;
    if (Date.now() > until) throw new Error(`still ${row!.stage}`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
