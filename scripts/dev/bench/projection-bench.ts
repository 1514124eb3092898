/** A backup of about 1 GB by the stack's own workers, at parallelism 2 and 4, and what it means for larger databases. */
import postgres from 'postgres';
import type { Stack } from '../stack/start-stack.ts';
import { type MeasuredRun, type ProjectedBackup, projectBackup } from './projection.ts';

export interface ProjectionResult {
  readonly measured: readonly (MeasuredRun & { readonly backup_id: string })[];
  readonly assumptions: readonly string[];
  readonly backups: readonly ProjectedBackup[];
}

const PARALLELISM = [2, 4];
const SIZES_GB = [1, 10, 100];
const POLL_MS = 100;
const LONGEST_MS = 7 * 60_000;

const ASSUMPTIONS = [
  'rows like those measured, in one or many tables; calls grow with raw bytes, the other calls (plan, schema, finish, verify) do not',
  'the rate is that of this machine, where database, workers and S3 server share the cores; a hosted worker has its own, and a network in between',
  'isolates are retired at 1 s of CPU, as on the platform',
  'free and paid plans differ in the guaranteed wall time of a call only: 75 s and 200 s',
  'the keeper may hold its snapshot for 6 hours (keeper_deadline_minutes)',
];

export async function benchProjection(stack: Stack, say: (text: string) => void): Promise<ProjectionResult> {
  const sql = postgres(stack.env.DATABASE_URL!, { max: 2, onnotice: () => {}, connection: { statement_timeout: 0 } });
  try {
    const measured: (MeasuredRun & { backup_id: string })[] = [];
    for (const parallelism of PARALLELISM) {
      const run = await backUp(sql, parallelism);
      say(
        `parallelism ${parallelism}: ${(run.rawBytes / 1e9).toFixed(2)} GB in ${run.calls} calls and ${run.seconds.toFixed(1)} s`,
      );
      measured.push(run);
    }
    const backups = SIZES_GB.map((size) => projectBackup(size, measured));
    return { measured, assumptions: ASSUMPTIONS, backups };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Until it is complete, verification not included. */
async function backUp(sql: postgres.Sql, parallelism: number): Promise<MeasuredRun & { backup_id: string }> {
  await sql`select backup.configure(p_parallelism := ${parallelism})`;
  const startedAt = performance.now();
  const [started] = await sql`select public.create_manual_backup('bench', null) as id`;
  const backupId = started!.id as string;
  for (;;) {
    const [row] = await sql`select status, stage, error from public.backup_log where backup_id = ${backupId}`;
    if (row!.status === 'completed') break;
    if (row!.status !== 'in_progress') throw new Error(`the backup is ${row!.status}: ${JSON.stringify(row!.error)}`);
    if (performance.now() - startedAt > LONGEST_MS) throw new Error(`the backup is still ${row!.stage}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await untilIdle(sql, backupId);
  const [facts] = await sql`
    select (select sum(raw_bytes)::float8 from backup.segment where backup_id = ${backupId} and kind = 'segment') as raw,
      count(*)::int as calls, (count(*) filter (where kind = 'copy'))::int as copies
    from backup.task where backup_id = ${backupId} and state = 'done'`;
  return {
    backup_id: backupId,
    parallelism,
    rawBytes: facts!.raw,
    calls: facts!.calls,
    copyCalls: facts!.copies,
    seconds,
  };
}

/** The verification that follows must not run into the next measurement. */
async function untilIdle(sql: postgres.Sql, backupId: string): Promise<void> {
  for (const until = Date.now() + LONGEST_MS; Date.now() < until; ) {
    const [row] = await sql`
      select count(*)::int as open from backup.task where backup_id = ${backupId} and state in ('pending', 'claimed')`;
    if (row!.open === 0) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`the verification of ${backupId} did not end`);
}
