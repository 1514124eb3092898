/** What a clean run leaves behind: nothing. Each leak is one sentence; leaked processes are ended after they are named. */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { type LeftProcess, processesOfRun } from './run-processes.ts';

const GRACE_MS = 2000;

export async function findLeaks(options: {
  mark: string;
  groupIds: readonly number[];
  serverUrls: readonly string[];
}): Promise<string[]> {
  const processes = await afterGrace(() => processesOfRun(options));
  const leaks = processes.map(({ pid, command }) => `process ${pid} still runs: ${command}`);
  endProcesses(processes);
  for (const url of options.serverUrls) leaks.push(...(await leaksOfServer(url)));
  return leaks;
}

/** Looks until nothing is left or the grace has passed: an ending process or connection needs a moment. */
async function afterGrace<T>(look: () => Promise<T[]>): Promise<T[]> {
  const deadline = Date.now() + GRACE_MS;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() >= deadline) return found;
    await sleep(50);
  }
}

function endProcesses(processes: readonly LeftProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself
    }
  }
}

async function leaksOfServer(url: string): Promise<string[]> {
  const sql = postgres(url, { max: 1 });
  try {
    const backends = await afterGrace(async () => [
      ...(await sql`
        select datname, application_name, pg_catalog.left(query, 80) as query from pg_catalog.pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_catalog.pg_backend_pid()`),
    ]);
    const databases = await sql`select datname from pg_catalog.pg_database where datname like 'holdfast\\_test\\_%'`;
    const slots = await sql`select slot_name from pg_catalog.pg_replication_slots`;
    return [
      ...backends.map((row) => `a connection to ${row.datname} is still open (${row.application_name}): ${row.query}`),
      ...databases.map((row) => `database ${row.datname} was not dropped`),
      ...slots.map((row) => `replication slot ${row.slot_name} was not dropped`),
    ];
  } finally {
    await sql.end({ timeout: 5 });
  }
}
