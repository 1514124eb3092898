import { spawn } from 'node:child_process';
import type { CheckResult } from './check.ts';

/** Runs a tool of node_modules or of ours; what it printed is the finding when it ends with anything but 0. */
export async function runTool(
  root: string,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<CheckResult> {
  const { code, output } = await runCommand(root, command, env);
  if (code === 0) return { problems: [] };
  const shown = output.trim() || `${command.join(' ')} ended with ${code} and printed nothing`;
  return { problems: [{ file: '', message: shown }] };
}

function runCommand(root: string, [file, ...args]: readonly string[], env: Record<string, string>) {
  return new Promise<{ code: number; output: string }>((resolve, reject) => {
    const child = spawn(file as string, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer) => (output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? (signal ? 128 : 1), output }));
  });
}
