/**
 * The native client programs, as judges of what our own code does. Taken where they are installed; else, when asked to,
 * unpacked from Debian into `.cache/oracle` without touching the system: apt works on a private root (own sources, state
 * and cache), nothing is installed, and wrappers start the programs with the libraries they were built against.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '../stack/database/dev-cache.ts';
import { canUnpack, downloadDebianPackages } from './debian-packages.ts';
import { writeWrappers } from './wrappers.ts';

export interface Oracle {
  readonly major: 15 | 17;
  /** Holds all three programs. */
  readonly dir: string;
  readonly pgDump: string;
  readonly psql: string;
  readonly pgRestore: string;
}

export interface EnsureOracleOptions {
  /** Unpack it from Debian when it is not there; default: only when the environment sets CI. */
  readonly download?: boolean;
}

/** The Debian release whose main archive carries that major version. */
const SUITES = { 15: 'bookworm', 17: 'trixie' } as const;
const PROGRAMS = ['pg_dump', 'psql', 'pg_restore'] as const;

/** null when the programs are not here and may not or cannot be fetched. Throws ORACLE_FAILED when a fetch goes wrong. */
export async function ensureOracle(major: 15 | 17, options: EnsureOracleOptions = {}): Promise<Oracle | null> {
  const unpacked = join(REPOSITORY_ROOT, '.cache', 'oracle', `pg${major}`);
  const places = [
    process.env[`HOLDFAST_ORACLE_PG${major}_DIR`],
    `/usr/lib/postgresql/${major}/bin`,
    join(unpacked, 'programs'),
  ];
  for (const dir of places) if (dir && holdsPrograms(dir, major)) return oracleIn(dir, major);
  if (!(options.download ?? Boolean(process.env.CI))) return null;
  if (!canUnpack()) return null;
  await unpack(major, unpacked);
  return oracleIn(join(unpacked, 'programs'), major);
}

function oracleIn(dir: string, major: 15 | 17): Oracle {
  return { major, dir, pgDump: join(dir, 'pg_dump'), psql: join(dir, 'psql'), pgRestore: join(dir, 'pg_restore') };
}

/** All three, of that major version, and they run. */
function holdsPrograms(dir: string, major: 15 | 17): boolean {
  return PROGRAMS.every((program) => {
    const path = join(dir, program);
    if (!existsSync(path)) return false;
    const result = spawnSync(path, ['--version'], { encoding: 'utf8' });
    return result.status === 0 && result.stdout.includes(` ${major}.`);
  });
}

async function unpack(major: 15 | 17, target: string): Promise<void> {
  await mkdir(join(target, '..'), { recursive: true });
  const unfinished = await mkdtemp(`${target}.`);
  try {
    await downloadDebianPackages(`postgresql-client-${major}`, {
      suite: SUITES[major],
      into: join(unfinished, 'root'),
    });
    // The wrappers name the final place, so they are written last, there.
    await rm(target, { recursive: true, force: true });
    await rename(unfinished, target);
    await writeWrappers({
      root: join(target, 'root'),
      binDir: join(target, 'root', 'usr', 'lib', 'postgresql', String(major), 'bin'),
      programs: PROGRAMS,
      into: join(target, 'programs'),
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
