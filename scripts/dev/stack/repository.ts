/** Where the repository's own things and the programs of its npm packages are. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { STACK_ERRORS } from './stack-errors.ts';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');

const require = createRequire(import.meta.url);

/** The Deno 2.1.4 binary itself: the npm wrapper would leave its child behind when it is killed. Throws STACK_START_FAILED. */
export function denoBinary(): string {
  const name = process.platform === 'win32' ? 'deno.exe' : 'deno';
  const libcs = process.platform === 'linux' ? ['-glibc'] : [''];
  for (const libc of libcs) {
    const path = packagePath(`@deno/${process.platform}-${process.arch}${libc}`);
    if (path && existsSync(join(path, name))) return join(path, name);
  }
  throw STACK_ERRORS.STACK_START_FAILED(`no Deno binary for ${process.platform}-${process.arch} is installed`, {
    hint: 'Run `npm ci`.',
  });
}

/** The launcher of the Supabase CLI, to be run with node. Throws STACK_START_FAILED. */
export function supabaseCli(): string {
  const path = join(REPOSITORY, 'node_modules', 'supabase', 'dist', 'supabase.js');
  if (existsSync(path)) return path;
  throw STACK_ERRORS.STACK_START_FAILED('the Supabase CLI is not installed', { hint: 'Run `npm ci`.' });
}

function packagePath(name: string): string | undefined {
  try {
    // The platform packages belong to `deno`, so they are looked up from there.
    const fromDeno = createRequire(require.resolve('deno/package.json'));
    return dirname(fromDeno.resolve(`${name}/package.json`));
  } catch {
    return undefined; // not this platform's package: the caller says which ones were tried
  }
}
