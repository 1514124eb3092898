/** Scripts as processes of their own, as an operator starts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CliResult } from '../export/export-harness.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

type Environment = Readonly<Record<string, string | undefined>>;

/** The script with this environment alone: nothing of the caller's configuration reaches it, and there is no terminal. */
export function startScript(
  script: 'restore.ts' | 'activate.ts',
  args: readonly string[],
  env: Environment,
): { child: ChildProcess; ended: Promise<CliResult> } {
  const child = spawn(process.execPath, ['--import', 'tsx', `scripts/${script}`, ...args], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<CliResult>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { child, ended };
}

export function runScript(
  script: 'restore.ts' | 'activate.ts',
  args: readonly string[],
  env: Environment,
): Promise<CliResult> {
  return startScript(script, args, env).ended;
}
