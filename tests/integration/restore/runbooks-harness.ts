/** The runbooks as text: their shell blocks, and running these as a reader would. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CliResult } from '../export/export-harness.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RUNBOOKS = `${ROOT}docs/runbooks/`;

export const runbookNames = (): string[] => readdirSync(RUNBOOKS).filter((name) => name.endsWith('.md'));
export const textOf = (name: string): string => readFileSync(RUNBOOKS + name, 'utf8');
export const blocksOf = (name: string): string[] =>
  [...textOf(name).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);

/** All blocks in order in one bash at the repository root, which stops at the first command that fails. */
export function runBlocks(name: string, env: Readonly<Record<string, string>>): Promise<CliResult> {
  const child = spawn('bash', ['-euo', 'pipefail', '-c', blocksOf(name).join('\n')], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
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
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
