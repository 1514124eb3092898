/** One version of each package, written down exactly, everywhere the same: package.json leads. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path/posix';
import type { Check, Finding } from './check.ts';
import { functionImportProblems } from './function-imports.ts';
import { listFiles } from './list-files.ts';
import { functionEntries } from './types.ts';

type Versions = Record<string, string>;

interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly dependencies?: Versions;
  readonly devDependencies?: Versions;
  readonly optionalDependencies?: Versions;
}

export const pinsCheck: Check = {
  name: 'pins',
  title:
    'versions are exact and the same in package.json, package-lock.json and every deno.json, and a function names all its packages',
  async run(root) {
    const manifest = await readJson<PackageJson>(`${root}/package.json`);
    const pins = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    const found = await Promise.all((await denoConfigs(root)).map((path) => checkDenoConfig(root, path, pins)));
    const reached = await Promise.all(
      (await functionEntries(root)).map((entry) => functionImportProblems(root, entry)),
    );
    return {
      problems: [...inexact(pins), ...(await checkLock(root, manifest, pins)), ...found.flat(), ...reached.flat()],
    };
  },
};

async function denoConfigs(root: string): Promise<string[]> {
  const own = existsSync(`${root}/deno.json`) ? ['deno.json'] : [];
  const files = await listFiles(root, ['supabase/functions']);
  return [...own, ...files.map(({ path }) => path).filter((path) => path.endsWith('/deno.json'))];
}

const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;
const ALIAS = /^npm:(?:@[^/@]+\/)?[^/@]+@(.+)$/;

function inexact(pins: Versions): Finding[] {
  return Object.entries(pins)
    .filter(([, version]) => !EXACT.test(ALIAS.exec(version)?.[1] ?? version))
    .map(([name, version]) => ({ file: 'package.json', message: `versions are exact: ${name} is '${version}'` }));
}

type Packages = Record<string, PackageJson>;

async function checkLock(root: string, manifest: PackageJson, pins: Versions): Promise<Finding[]> {
  const file = 'package-lock.json';
  if (!existsSync(`${root}/${file}`)) return [{ file, message: 'is missing: run npm install' }];
  const { packages } = await readJson<{ packages: Packages }>(`${root}/${file}`);
  const messages = [
    ...differences(packages, manifest, pins).map((message) => `${message}: run npm install`),
    ...unlisted(packages),
  ];
  return messages.map((message) => ({ file, message }));
}

function differences(packages: Packages, manifest: PackageJson, pins: Versions): string[] {
  const own = packages[''] ?? {};
  const locked = { ...own.dependencies, ...own.devDependencies, ...own.optionalDependencies };
  const names = [...new Set([...Object.keys(pins), ...Object.keys(locked)])];
  const differing = names.flatMap((name) => {
    const installed = packages[`node_modules/${name}`]?.version;
    const wanted = pins[name] === undefined ? undefined : (ALIAS.exec(pins[name])?.[1] ?? pins[name]);
    if (pins[name] === locked[name] && installed === wanted) return [];
    return [`${name} is ${wanted ?? 'nothing'} in package.json and ${installed ?? locked[name] ?? 'nothing'} here`];
  });
  if (own.version === manifest.version) return differing;
  return [...differing, `the version is ${manifest.version} in package.json and ${own.version} here`];
}

/** `npm ci` asks for an entry of every optional package, also of other platforms; a registry that lacks one loses it. */
function unlisted(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !packages[`${path}/node_modules/${name}`] && !packages[`node_modules/${name}`])
      .map((name) => `${name}, an optional package of ${path}, has no entry: npm ci fails`),
  );
}

const NPM_IMPORT = /^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]+))?(?:\/.*)?$/;

async function checkDenoConfig(root: string, file: string, pins: Versions): Promise<Finding[]> {
  const { imports = {} } = await readJson<{ imports?: Versions }>(`${root}/${file}`);
  return Object.entries(imports).flatMap(([name, target]): Finding[] => {
    const rule = importRule(root, file, target, pins);
    return rule ? [{ file, message: `'${name}': ${rule}` }] : [];
  });
}

function importRule(root: string, file: string, target: string, pins: Versions): string | null {
  if (/^\.{1,2}\//.test(target))
    return existsSync(join(root, dirname(file), target)) ? null : `there is no '${target}'`;
  const [, name, version] = NPM_IMPORT.exec(target) ?? [];
  if (!name) return `only npm packages and files of this repository: '${target}'`;
  if (pins[name] === undefined) return `${name} is not in package.json`;
  return version === pins[name]
    ? null
    : `${name} is ${version ?? 'any version'} here and ${pins[name]} in package.json`;
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}
