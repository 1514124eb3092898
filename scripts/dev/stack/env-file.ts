/** The stack's addresses and keys as a file that a shell can source: `set -a; . .stack/env`. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { STACK_ERRORS } from './stack-errors.ts';

const NAME = /^[A-Z_][A-Z0-9_]*$/;
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]*$/;

/** Readable by the owner only: it holds keys. The file appears whole or not at all. */
export async function writeEnvFile(path: string, env: Readonly<Record<string, string>>): Promise<void> {
  const unfinished = `${path}.${process.pid}.new`;
  await writeFile(unfinished, renderEnv(env), { mode: 0o600 });
  await rename(unfinished, path);
}

/** Throws STACK_OPTION_INVALID for a name that a shell would not take. */
export function renderEnv(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!NAME.test(name)) throw STACK_ERRORS.STACK_OPTION_INVALID(`'${name}' is not a variable name of the shell`);
      return `${name}=${quote(value)}\n`;
    })
    .join('');
}

/** Reads what writeEnvFile wrote; other shell syntax is not understood. */
export async function readEnvFile(path: string): Promise<Record<string, string>> {
  return parseEnv(await readFile(path, 'utf8'));
}

export function parseEnv(text: string): Record<string, string> {
  const env: Record<string, string> = {};
  const assignment = /^([A-Z_][A-Z0-9_]*)=((?:'[^']*'|\\'|[A-Za-z0-9_@%+=:,./-])*)$/gm;
  for (const [, name, value] of text.matchAll(assignment)) {
    env[name as string] = (value as string).replace(/'([^']*)'|\\(')/g, (_, quoted, escaped) => escaped ?? quoted);
  }
  return env;
}

/** Single quotes take everything literally except themselves. */
function quote(value: string): string {
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
