/** A function is deployed with its own deno.json: that must name every package the function reaches. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import type { Finding } from './check.ts';
import { readModule } from './read-module.ts';

/** `entry` is functions/<name>/index.ts, relative to the repository. */
export async function functionImportProblems(root: string, entry: string): Promise<Finding[]> {
  const file = `${dirname(entry)}/deno.json`;
  if (!existsSync(`${root}/${file}`)) return [{ file, message: 'every function has a deno.json of its own' }];
  const { imports = {} } = JSON.parse(await readFile(`${root}/${file}`, 'utf8')) as {
    imports?: Record<string, string>;
  };
  const reached = await reachedPackages(root, entry);
  const missing = [...reached].filter(([name]) => imports[name] === undefined);
  return missing.map(([name, from]) => ({ file, message: `'${name}' is not named, but ${from} imports it` }));
}

/** Package names, each with one file that imports it. */
async function reachedPackages(root: string, entry: string): Promise<Map<string, string>> {
  const packages = new Map<string, string>();
  const seen = new Set([entry]);
  // A set that grows while it is walked: each module once.
  for (const path of seen) {
    if (!path.endsWith('.ts') || !existsSync(`${root}/${path}`)) continue;
    for (const { specifier } of readModule(path, await readFile(`${root}/${path}`, 'utf8')).imports) {
      if (specifier === null || specifier.startsWith('node:')) continue;
      if (specifier.startsWith('.')) seen.add(join(dirname(path), specifier));
      else packages.set(packageName(specifier), path);
    }
  }
  return packages;
}

/** `hono/body-limit` is of `hono`. */
function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
