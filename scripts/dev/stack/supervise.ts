/** The stack as a process of its own: in the foreground until a signal, or detached until `--stop`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findSupervisor, markDirectory, type Supervisor } from './stack-directory.ts';
import { STACK_ERRORS } from './stack-errors.ts';
import type { Stack } from './start-stack.ts';

/** What a detached stack tells the command that has started it. */
export type DetachedReport =
  | { readonly type: 'ready'; readonly summary: string }
  | { readonly type: 'failed'; readonly message: string; readonly hint: string; readonly exit: number };

const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 50;

/** Resolves after the stack has been stopped by Ctrl-C, SIGTERM or SIGHUP. */
export async function runUntilSignal(stack: Stack): Promise<void> {
  await new Promise<void>((done) => {
    // Never removed: a second Ctrl-C while stopping is impatience, not a reason to leave processes behind.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done());
  });
  await stack.stop();
}

/** Starts this program again in the background; resolves with its report when it is ready. Throws STACK_RUNNING, STACK_START_FAILED. */
export async function startDetached(dir: string, args: readonly string[]): Promise<DetachedReport> {
  const path = await markDirectory(dir);
  const running = await findSupervisor(path);
  if (running) throw STACK_ERRORS.STACK_RUNNING(`a stack already runs in '${dir}', process ${running.pid}`);
  mkdirSync(join(path, 'logs'), { recursive: true });
  const logFile = join(path, 'logs', 'stack.log');
  const log = openSync(logFile, 'a', 0o600);
  const program = fileURLToPath(new URL('../stack.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), program, ...args, '--dir', path], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  try {
    return await firstReport(child, logFile);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Asks the stack of the directory to stop and waits until it has. Undefined when none runs. Throws STACK_STOP_FAILED. */
export async function stopSupervisor(dir: string): Promise<Supervisor | undefined> {
  const supervisor = await findSupervisor(dir);
  if (!supervisor) return undefined;
  process.kill(supervisor.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while (await findSupervisor(dir)) {
    if (Date.now() > deadline) {
      throw STACK_ERRORS.STACK_STOP_FAILED(`process ${supervisor.pid} did not end in ${STOP_TIMEOUT_MS / 1000} s`);
    }
    await sleep(POLL_MS);
  }
  return supervisor;
}

function firstReport(child: ChildProcess, logFile: string): Promise<DetachedReport> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as DetachedReport));
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const details = { logFile };
      reject(STACK_ERRORS.STACK_START_FAILED(`the stack ended with ${code ?? signal} while starting`, { details }));
    });
  });
}
