/**
 * Copies into _shared/vendor what edge functions cannot take from npm as it is, and records where each byte came from:
 *   openpgp  its browser build works on Deno 2.1.4, but the package hides it behind a condition that Deno does not take
 * What we compile ourselves (zstd, pg-dump) has its own build script and checksums.
 * Usage: npx tsx scripts/dev/vendor.ts [--check]; with --check nothing is written and a difference ends with status 1.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const VENDOR = 'supabase/functions/_shared/vendor';

interface VendoredFile {
  readonly path: string;
  /** The file inside the npm package that it was made from. */
  readonly from: string;
  readonly make: (bytes: Uint8Array) => string;
}

interface VendoredPackage {
  readonly name: string;
  readonly license: string;
  readonly files: VendoredFile[];
}

const asText = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

const PACKAGES: VendoredPackage[] = [
  {
    name: 'openpgp',
    license: 'LGPL-3.0+',
    files: [
      { path: 'openpgp/openpgp.min.mjs', from: 'dist/openpgp.min.mjs', make: withTypes },
      { path: 'openpgp/LICENSE', from: 'LICENSE', make: asText },
    ],
  },
];

/** Deno finds the types through the first line; the source map stays in the npm package. */
function withTypes(bytes: Uint8Array): string {
  return `// @ts-self-types="./openpgp.d.ts"\n${asText(bytes).replace(/^\/\/# sourceMappingURL=.*\n?/m, '')}`;
}

async function makeAll(): Promise<Map<string, string>> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  const made = new Map<string, string>();
  const record = [];
  for (const { name, license, files } of PACKAGES) {
    const { version, integrity } = lock.packages[`node_modules/${name}`];
    await refuseOtherVersion(name, version);
    const listed = [];
    for (const file of files) {
      const text = file.make(await readFile(join(ROOT, 'node_modules', name, file.from)));
      made.set(`${VENDOR}/${file.path}`, text);
      listed.push({ path: file.path, from: file.from, sha256: createHash('sha256').update(text).digest('hex') });
    }
    record.push({ name, version, integrity, license, files: listed });
  }
  made.set(`${VENDOR}/VENDOR.json`, `${JSON.stringify({ packages: record }, null, 2)}\n`);
  return made;
}

async function refuseOtherVersion(name: string, locked: string): Promise<void> {
  const installed = JSON.parse(await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')).version;
  if (installed === locked) return;
  throw new Error(`node_modules has ${name} ${installed}, package-lock.json ${locked}: run npm ci`);
}

async function differing(made: Map<string, string>): Promise<string[]> {
  const names: string[] = [];
  for (const [path, text] of made) {
    const current = await readFile(join(ROOT, path), 'utf8').catch(() => null);
    if (current !== text) names.push(path);
  }
  return names;
}

const made = await makeAll();
if (process.argv.includes('--check')) {
  const names = await differing(made);
  for (const name of names)
    console.error(`${name} is not what the locked npm packages give; run: npx tsx scripts/dev/vendor.ts`);
  process.exitCode = names.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of made) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
  }
  console.log(`vendored ${made.size} files into ${VENDOR}`);
}
