/** Programs as processes of their own, as an operator starts them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartedCli {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** At the repository's root, with this environment alone: nothing of the caller's configuration reaches it, and there is no terminal. */
export function startProgram(program: string, args: readonly string[], env: Environment): StartedCli {
  const child = spawn(program, args, {
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

/** A script of ours, such as `restore.ts`. */
export function startScript(script: string, args: readonly string[], env: Environment): StartedCli {
  return startProgram(process.execPath, ['--import', 'tsx', `scripts/${script}`, ...args], env);
}

export function runScript(script: string, args: readonly string[], env: Environment): Promise<CliResult> {
  return startScript(script, args, env).ended;
}
