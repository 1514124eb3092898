/** Programs of a newer Debian need its C library too: a wrapper starts each through the unpacked dynamic linker. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DATABASE_ERRORS } from '../stack/database/errors.ts';

export interface WrapperOptions {
  /** Where the packages were unpacked. */
  readonly root: string;
  readonly binDir: string;
  readonly programs: readonly string[];
  readonly into: string;
}

/** Throws ORACLE_FAILED when the unpacked root holds no dynamic linker. */
export async function writeWrappers(options: WrapperOptions): Promise<void> {
  const libraries = await libraryDirectories(options.root);
  const linker = await dynamicLinker(options.root, libraries);
  await mkdir(options.into, { recursive: true });
  for (const program of options.programs) {
    const command = [linker, '--library-path', libraries.join(':'), join(options.binDir, program)].map(quote).join(' ');
    await writeFile(join(options.into, program), `#!/bin/sh\nLC_ALL=C exec ${command} "$@"\n`, { mode: 0o755 });
  }
}

async function libraryDirectories(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const parent of ['usr/lib', 'lib'].map((each) => join(root, each)).filter((each) => existsSync(each))) {
    const triplets = (await readdir(parent)).filter((name) => /^[a-z0-9_]+-linux-gnu/.test(name));
    found.push(...triplets.map((name) => join(parent, name)));
  }
  return found;
}

async function dynamicLinker(root: string, libraries: string[]): Promise<string> {
  const places = [...libraries, ...['lib64', 'usr/lib64', 'lib', 'usr/lib'].map((each) => join(root, each))];
  for (const place of places.filter((each) => existsSync(each))) {
    const name = (await readdir(place)).find((each) => /^ld-linux.*\.so\.\d+$/.test(each));
    if (name) return join(place, name);
  }
  throw DATABASE_ERRORS.ORACLE_FAILED(`no dynamic linker below '${root}'`);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
