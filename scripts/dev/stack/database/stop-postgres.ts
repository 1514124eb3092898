/** Ends one server, by its process id. Never by name: other PostgreSQL servers of the machine are not ours. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DATABASE_ERRORS } from './errors.ts';

/** Fast shutdown first; after 20 s an immediate one, which is crash-safe too. */
const STAGES = [
  { signal: 'SIGINT', waitMs: 20_000 },
  { signal: 'SIGQUIT', waitMs: 10_000 },
] as const;

/** The server running on `dir` (the directory given to startPostgres), or undefined. */
export async function runningPostgres(dir: string): Promise<{ pid: number; port: number } | undefined> {
  const text = await readFile(join(dir, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!(pid > 1) || !isAlive(pid) || !(await isPostgres(pid))) return undefined;
  return { pid, port: Number(lines[3]) };
}

/** Stops the server running on `dir`; nothing happens when none runs. Throws POSTGRES_STOP_FAILED after 30 s. */
export async function stopPostgres(dir: string): Promise<void> {
  const running = await runningPostgres(dir);
  if (running) await stopPostmaster(running.pid);
}

/** Stops a postmaster by process id and waits until it is gone. Idempotent. */
export async function stopPostmaster(pid: number): Promise<void> {
  for (const { signal, waitMs } of STAGES) {
    if (!isAlive(pid)) return;
    process.kill(pid, signal);
    const deadline = Date.now() + waitMs;
    while (isAlive(pid) && Date.now() < deadline) await sleep(10);
  }
  if (isAlive(pid)) throw DATABASE_ERRORS.POSTGRES_STOP_FAILED(`process ${pid} did not end in 30 s`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** A stale postmaster.pid may name a process that is somebody else's by now; only Linux lets us look. */
async function isPostgres(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.trim() === 'postgres';
}
