/** pg_cron itself, from Debian, begins and follows a schedule; the heartbeat's part in it is taken away. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import postgres from 'postgres';
import { startStack } from '../../../scripts/dev/stack/start-stack.ts';
import { untilKeepersAreGone } from '../../support/keepers-gone.ts';

const PG_BIN = '/usr/lib/postgresql/15/bin';
const installed = existsSync('/usr/lib/postgresql/15/lib/pg_cron.so');

test('pg_cron takes every form of expression, begins a due schedule without the heartbeat, and sees its backup verified', {
  skip: installed ? false : 'postgresql-15-cron is not installed',
  timeout: 320_000,
}, async () => {
  const stack = await startStack({ pg: 15, pgBin: PG_BIN, cron: 'real', rows: 500 });
  const sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {} });
  try {
    await sql`delete from backup.tick_step where name = 'tick_schedules'`;
    for (const cron of ['*/15 1-5/2 1,15 jan-MAR mon,7', '0 0 * * 5-7', '5,*/20 * */2 * *']) {
      await sql`select backup.schedule_set('monthly-full', p_cron => ${cron}, p_enabled => true)`;
      const [job] = await sql`select schedule from cron.job where jobname = 'holdfast-monthly-full'`;
      assert.equal(job!.schedule, cron);
    }
    // Its version knows no last day of the month: no job, and no error either, as the heartbeat begins it.
    await sql`select backup.schedule_set('monthly-full', p_cron => '0 4 $ * *')`;
    assert.equal((await sql`select backup.materialise_schedules() as changed`)[0]!.changed, 0);
    await sql`select backup.schedule_set('monthly-full', p_enabled => false)`;
    await sql`
      select backup.schedule_set('each-minute', p_work => 'backup', p_cadence => 'hourly', p_cron => '* * * * *')`;
    await untilSucceeded(sql);
    await sql`select backup.schedule_set('each-minute', p_enabled => false)`;
    assert.deepEqual(
      [...(await sql`select 1 from cron.job where jobname in ('holdfast-each-minute', 'holdfast-monthly-full')`)],
      [],
    );
    const failed = await sql`
      select return_message from cron.job_run_details where command like '%start_due%' and status = 'failed'`;
    assert.deepEqual([...failed], []);
    const [cleared] = await sql`select backup.clear_cron_history(now() + interval '8 days', 5000) as rows`;
    assert.ok(cleared!.rows > 1, 'what pg_cron itself wrote about our jobs may be removed');
    await sql`select backup.cancel_run(backup_id) from public.backup_log where status = 'in_progress'`;
    await untilKeepersAreGone(sql);
  } finally {
    await sql.end();
    await stack.stop();
  }
});

async function untilSucceeded(sql: postgres.Sql): Promise<void> {
  const until = Date.now() + 240_000;
  for (;;) {
    const runs =
      await sql`select state, reason, backup_id from backup.schedule_run where name = 'each-minute' order by due_at`;
    if (runs.some(({ state }) => state === 'succeeded')) return;
    assert.ok(Date.now() < until && !runs.some(({ state }) => state === 'failed'), JSON.stringify(runs));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
