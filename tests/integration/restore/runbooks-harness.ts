/** The runbooks as text: their shell blocks, and running these as a reader would. */
import { readdirSync, readFileSync } from 'node:fs';
import { type CliResult, ROOT, startProgram } from '../../support/run-script.ts';

const RUNBOOKS = `${ROOT}docs/runbooks/`;

export const runbookNames = (): string[] => readdirSync(RUNBOOKS).filter((name) => name.endsWith('.md'));
export const textOf = (name: string): string => readFileSync(RUNBOOKS + name, 'utf8');
export const blocksOf = (name: string): string[] =>
  [...textOf(name).matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block!);

/** All blocks in order in one bash at the repository root, which stops at the first command that fails. */
export function runBlocks(name: string, env: Readonly<Record<string, string>>): Promise<CliResult> {
  return startProgram('bash', ['-euo', 'pipefail', '-c', blocksOf(name).join('\n')], env).ended;
}
