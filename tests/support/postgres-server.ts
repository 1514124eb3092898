/**
 * The PostgreSQL servers of a test run. `npm test` starts one per version and names them in the environment; a file run
 * on its own starts what it needs and ends it with the process.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresMajor } from '../../scripts/dev/stack/database/postgres-binaries.ts';
import { type RunningPostgres, startPostgres } from '../../scripts/dev/stack/database/start-postgres.ts';

/** The versions to run a test on; `npm test -- --pg 15` leaves one. */
export const POSTGRES_MAJORS: readonly PostgresMajor[] =
  process.env.HOLDFAST_TEST_MAJORS === '15' ? [15] : process.env.HOLDFAST_TEST_MAJORS === '17' ? [17] : [17, 15];

const own = new Map<PostgresMajor, Promise<string>>();

/** URL of the superuser, database `postgres`. */
export async function testServerUrl(major: PostgresMajor): Promise<string> {
  const shared = process.env[`HOLDFAST_TEST_PG${major}_URL`];
  if (shared) return shared;
  const started = own.get(major) ?? startOwn(major);
  own.set(major, started);
  return started;
}

async function startOwn(major: PostgresMajor): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), `holdfast-pg${major}-`));
  chmodSync(dir, 0o755); // the account PostgreSQL runs as must pass through
  const server = await startPostgres({ major, dir: join(dir, 'server') });
  process.once('exit', () => endNow(server, dir));
  return server.adminUrl;
}

/** On exit nothing asynchronous happens any more: an immediate shutdown, a moment for it, and the directory goes. */
function endNow(server: RunningPostgres, dir: string): void {
  process.kill(server.pid, 'SIGQUIT');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  for (const path of [server.dataDir, dir])
    rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
