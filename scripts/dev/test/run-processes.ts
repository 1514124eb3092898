/**
 * Finds the processes of a test run: those of its process groups, and those with its mark in their environment, which a
 * descendant inherits that left the group. Only Linux shows other processes' environments; elsewhere the group must do.
 */
import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

export interface LeftProcess {
  readonly pid: number;
  readonly command: string;
}

export async function processesOfRun(run: { mark: string; groupIds: readonly number[] }): Promise<LeftProcess[]> {
  return process.platform === 'linux' ? linuxProcesses(run) : groupProcesses(run.groupIds);
}

async function linuxProcesses({
  mark,
  groupIds,
}: {
  mark: string;
  groupIds: readonly number[];
}): Promise<LeftProcess[]> {
  const found: LeftProcess[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const { state, group } = await statOf(pid);
    if (state === 'Z') continue; // ended, only not yet waited for
    const environment = await readQuietly(`/proc/${pid}/environ`);
    if (!groupIds.includes(group) && !environment.split('\0').includes(`HOLDFAST_TEST_RUN=${mark}`)) continue;
    const command = await readQuietly(`/proc/${pid}/cmdline`);
    found.push({ pid, command: command.replaceAll('\0', ' ').trim().slice(0, 160) });
  }
  return found;
}

/** proc(5): pid (name) state parent group …; the name may hold blanks and parentheses. */
async function statOf(pid: number): Promise<{ state: string; group: number }> {
  const stat = await readQuietly(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? 'Z', group: Number(fields[2]) };
}

/** Empty for a process that is gone meanwhile or another user's: then it is not ours. */
async function readQuietly(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

function groupProcesses(groupIds: readonly number[]): LeftProcess[] {
  const listing = spawnSync('ps', ['-A', '-o', 'pid=,pgid=,command='], { encoding: 'utf8' }).stdout;
  return listing.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match && groupIds.includes(Number(match[2]))
      ? [{ pid: Number(match[1]), command: (match[3] as string).slice(0, 160) }]
      : [];
  });
}
