import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { STACK_ERRORS } from './stack-errors.ts';

/** The three servers of a cluster, in the order in which they start; they are ended in reverse. */
export const DAEMONS = ['mon', 'osd', 'rgw'] as const;
export type Daemon = (typeof DAEMONS)[number];

const POLL_MS = 25;
const PORT_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const TOOL_TIMEOUT_MS = 120_000;
const LOG_TAIL_CHARS = 1500;

const execFileAsync = promisify(execFile);

/** The Debian programs stand in /usr/sbin in part, which is not on everybody's path. */
export const CEPH_ENV = {
  ...process.env,
  LC_ALL: 'C.UTF-8',
  PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin`,
};

/** Runs a Ceph tool to its end and returns what it printed. Throws STACK_START_FAILED with the end of its output. */
export async function runCephTool(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await execFileAsync(program, args, { env: CEPH_ENV, timeout: TOOL_TIMEOUT_MS })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw STACK_ERRORS.STACK_START_FAILED(`${program} failed`, { details: { output: tailOf(stdout + stderr) } });
  }
}

/**
 * Starts a server that writes to log/<name>.out and whose id is in run/<name>.pid. Unless it is to outlive this
 * process (`detached`), the kernel ends it when this process dies in whatever way.
 */
export async function startDaemon(
  dir: string,
  daemon: Daemon,
  command: { program: string; args: readonly string[]; detached: boolean },
): Promise<void> {
  const leash =
    command.detached || !existsSync('/usr/bin/setpriv') ? [] : ['/usr/bin/setpriv', '--pdeathsig', 'KILL', '--'];
  const [program = command.program, ...args] = [...leash, command.program, ...command.args];
  const log = await open(join(dir, 'log', `${daemon}.out`), 'a');
  const child = spawn(program, args, { env: CEPH_ENV, detached: true, stdio: ['ignore', log.fd, log.fd], cwd: dir });
  await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject)).finally(() => log.close());
  child.unref();
  await writeFile(pidFile(dir, daemon), String(child.pid));
}

/** Waits until the daemon accepts connections. Throws STACK_START_FAILED when it ends or does not listen in a minute. */
export async function waitForPort(dir: string, daemon: Daemon, port: number): Promise<void> {
  const deadline = Date.now() + PORT_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if ((await pidOf(dir, daemon)) === null) await failStart(dir, daemon, 'has ended');
    if (Date.now() > deadline) await failStart(dir, daemon, `does not listen on port ${port}`);
    await sleep(POLL_MS);
  }
}

/** Ends the cluster's servers that still run, by their ids. They hold nothing but memory, so they are killed at once. */
export async function stopDaemons(dir: string): Promise<void> {
  for (const daemon of [...DAEMONS].reverse()) {
    const pid = await pidOf(dir, daemon);
    if (pid !== null) await kill(pid, dir, daemon);
    await rm(pidFile(dir, daemon), { force: true });
  }
}

/** The id of the running daemon, or null. A number that now belongs to another program is not ours. */
export async function pidOf(dir: string, daemon: Daemon): Promise<number | null> {
  const pid = Number(await readOr(pidFile(dir, daemon), ''));
  if (!Number.isSafeInteger(pid) || pid <= 1) return null;
  const commandLine = await readOr(`/proc/${pid}/cmdline`, '');
  return commandLine.includes(join(dir, 'ceph.conf')) ? pid : null;
}

async function kill(pid: number, dir: string, daemon: Daemon): Promise<void> {
  process.kill(pid, 'SIGKILL');
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  while ((await pidOf(dir, daemon)) !== null) {
    if (Date.now() > deadline) throw STACK_ERRORS.STACK_STOP_FAILED(`process ${pid} (ceph ${daemon}) did not end`);
    await sleep(POLL_MS);
  }
}

async function failStart(dir: string, daemon: Daemon, why: string): Promise<never> {
  const log = await readOr(join(dir, 'log', `${daemon}.out`), '');
  throw STACK_ERRORS.STACK_START_FAILED(`ceph ${daemon} ${why}`, { details: { log: tailOf(log) } });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function pidFile(dir: string, daemon: Daemon): string {
  return join(dir, 'run', `${daemon}.pid`);
}

function tailOf(text: string): string {
  return text.slice(-LOG_TAIL_CHARS);
}

async function readOr(path: string, fallback: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return fallback; // not there (any more): the callers ask for just that
  }
}
