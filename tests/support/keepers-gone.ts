import assert from 'node:assert/strict';
import type postgres from 'postgres';

/** The keeper looks twice a second whether it is still needed, and tick each minute for jobs that were left. */
export async function untilKeepersAreGone(sql: postgres.Sql): Promise<void> {
  const until = Date.now() + 150_000;
  for (;;) {
    const left = await sql`
      select jobname as left from cron.job where jobname like 'holdfast-keeper-%'
      union all
      select application_name from pg_stat_activity where application_name like 'holdfast:%'`;
    if (left.length === 0) return;
    assert.ok(Date.now() < until, `still there: ${JSON.stringify(left)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
