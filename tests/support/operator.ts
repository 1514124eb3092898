/** A test's operator: starts backups in a running stack and follows them to their end. */
import type postgres from 'postgres';

export interface Ended {
  readonly backupId: string;
  readonly status: string;
  readonly row: Record<string, unknown>;
}

/**
 * The end of a run, or of the retry that took its place, when nothing of either is left to do: what a failed run
 * stored is removed after its last lease, which may be later than the end of its retry. Ticks twice a second, as
 * pg_cron does each minute.
 */
export async function followRun(sql: postgres.Sql, backupId: string, timeoutMs: number): Promise<Ended> {
  const until = Date.now() + timeoutMs;
  const runs = [backupId];
  for (;;) {
    const current = runs.at(-1)!;
    await sql`select backup.tick()`;
    const [row] = await sql`select * from public.backup_log where backup_id = ${current}`;
    const [retry] = await sql`select backup_id from public.backup_log where retry_of = ${current}`;
    if (retry) runs.push(retry.backup_id);
    else if (row!.status !== 'in_progress' && (await openTasks(sql, runs)) === 0) {
      return { backupId: current, status: row!.status, row: row! };
    }
    if (Date.now() > until)
      throw new Error(`${current} is still ${row!.stage} after ${timeoutMs} ms: ${await explain(sql, runs)}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function openTasks(sql: postgres.Sql, backupIds: string[]): Promise<number> {
  const [row] = await sql`
    select count(*)::int as open from backup.task where backup_id = any(${backupIds}) and state in ('pending', 'claimed')`;
  return row!.open;
}

async function explain(sql: postgres.Sql, backupIds: string[]): Promise<string> {
  const tasks = await sql`
    select backup_id, kind, state, attempts, not_before, lease_until, error from backup.task
    where backup_id = any(${backupIds}) and state not in ('done') order by id limit 10`;
  return JSON.stringify(tasks);
}

/** Leases, tickets and retries in seconds instead of minutes. */
export async function hurry(sql: postgres.Sql, leaseSeconds = 4): Promise<void> {
  await sql`update backup.setting set value = ${leaseSeconds}::text::jsonb where name = 'lease_seconds'`;
  await sql`update backup.setting set value = '10' where name = 'ticket_seconds'`;
  await sql`update backup.setting set value = '0' where name = 'retry_base_seconds'`;
}
