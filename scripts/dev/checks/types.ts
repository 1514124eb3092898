import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from './check.ts';
import { runTool } from './run-tool.ts';

/** The Deno inside Supabase's edge runtime: what passes only on a newer one is broken. */
const EDGE_DENO = '2.1.4';
const FUNCTIONS = 'supabase/functions';
const DENO = 'node_modules/.bin/deno';
const OFFLINE = { DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1', RUST_BACKTRACE: '0', RUST_LIB_BACKTRACE: '0' };

export const nodeTypesCheck: Check = {
  name: 'types',
  title: 'types hold for Node',
  run: (root) => runTool(root, ['node_modules/.bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false']),
};

export const denoTypesCheck: Check = {
  name: 'types-deno',
  title: `types hold for Deno ${EDGE_DENO}: every function and all that it reaches`,
  async run(root) {
    const version = await runTool(root, [DENO, 'eval', `if (Deno.version.deno !== '${EDGE_DENO}') throw 0`], OFFLINE);
    if (version.problems.length > 0) return { problems: [{ file: '', message: `${DENO} is not Deno ${EDGE_DENO}` }] };
    const entries = await functionEntries(root);
    if (entries.length === 0) return { problems: [{ file: FUNCTIONS, message: 'there is no function to check' }] };
    // The repository's deno.json finds the packages in node_modules; a function's own names the same ones (see pins).
    return await runTool(root, [DENO, 'check', '--quiet', '--config', 'deno.json', ...entries], OFFLINE);
  },
};

/** The entry files of all functions, relative to the repository. */
export async function functionEntries(root: string): Promise<string[]> {
  const names = await readdir(join(root, FUNCTIONS));
  return names
    .map((name) => `${FUNCTIONS}/${name}/index.ts`)
    .filter((path) => existsSync(join(root, path)))
    .sort();
}
