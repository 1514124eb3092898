/**
 * No process of the stack outlives its supervisor, not even when that is killed with SIGKILL: a shell waits on a pipe
 * that only the supervisor holds, and when it closes, ends the processes named by the files in <dir>/processes.
 * The same files let the next start clean up should the guard have been killed too.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from './process-identity.ts';

export interface Guard {
  /** `signal`: what the process takes as the order to stop at once. */
  watch(pid: number, signal: 'INT' | 'TERM' | 'KILL'): void;
  unwatch(pid: number): void;
  /** Ends the guard itself; the processes it watches live on. */
  stop(): void;
}

/** Reads until the end of the pipe, then signals each process; file names are process ids, contents the signal and the process's start. */
const WAIT_THEN_END = `
while read -r _; do :; done
for file in "$1"/*; do
  [ -f "$file" ] || continue
  read -r signal start < "$file"
  rm -f "$file"
  pid="\${file##*/}"
  [ -d /proc/self ] && [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" != "$start" ] && continue
  kill -s "$signal" "$pid" 2>/dev/null
done`;

export function startGuard(dir: string): Guard {
  const folder = processesFolder(dir);
  mkdirSync(folder, { recursive: true });
  const shell = spawn('/bin/sh', ['-c', WAIT_THEN_END, 'holdfast-guard', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Its own session: the terminal's Ctrl-C and the end of the session must not reach it.
    detached: true,
    cwd: '/',
  });
  shell.unref();
  shell.stdin.on('error', () => undefined); // somebody killed the guard: the stack works without it
  (shell.stdin as unknown as { unref(): void }).unref();
  return {
    watch: (pid, signal) => writeFileSync(join(folder, String(pid)), `${signal} ${processStart(pid) ?? ''}\n`),
    unwatch: (pid) => rmSync(join(folder, String(pid)), { force: true }),
    stop: () => void shell.kill('SIGKILL'),
  };
}

/** Ends what a killed supervisor whose guard was killed too has left, and waits until it is gone. */
export async function endLeftovers(dir: string): Promise<void> {
  const folder = processesFolder(dir);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) {
    const [signal, start] = readFileSync(join(folder, name), 'utf8').trim().split(' ');
    const pid = Number(name);
    if (pid > 1 && start !== undefined && processStart(pid) === start) {
      process.kill(pid, `SIG${signal}` as NodeJS.Signals);
      for (const deadline = Date.now() + 10_000; processStart(pid) === start && Date.now() < deadline; )
        await sleep(20);
    }
    rmSync(join(folder, name), { force: true });
  }
}

function processesFolder(dir: string): string {
  return join(dir, 'processes');
}
