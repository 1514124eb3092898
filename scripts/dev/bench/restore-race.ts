/**
 * The same database restored three ways, each into a fresh database of the same server, in turns, the best of each. Ours
 * decrypts and hashes; the others read plain dumps of schema public. The platform's rows that foreign keys need are there
 * before the others begin, outside their time.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { ensureOracle, type Oracle } from '../oracle/ensure-oracle.ts';
import { installPlatform, urlOfDatabase } from '../stack/database/install-platform.ts';
import { REPOSITORY } from '../stack/repository.ts';
import type { Stack } from '../stack/start-stack.ts';
import { peakResidentBytes } from './process-cpu.ts';
import { timeShell } from './time-shell.ts';

export interface RestoreRace {
  readonly ratios: { readonly vs_pg_restore_j2: number; readonly vs_psql: number };
  /** Of our process. */
  readonly peak_rss_mb: number;
  readonly best_seconds: Record<string, number>;
  readonly laps: Record<string, readonly number[]>;
}

interface Ring {
  readonly stack: Stack;
  readonly oracle: Oracle;
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly backupId: string;
}

const MB = 1e6;
const SAMPLE_MS = 50;

/** Throws when there is no native pg_restore of version 17, or a contestant fails. */
export async function raceRestores(
  stack: Stack,
  { rounds, say }: { rounds: number; say: (text: string) => void },
): Promise<RestoreRace> {
  const oracle = await ensureOracle(17, { download: true });
  if (!oracle) throw new Error('there is no pg_restore 17: install postgresql-client-17');
  const directory = await mkdtemp(join(tmpdir(), 'hf-bench-restore-'));
  try {
    const ring = await prepare(stack, { oracle, directory, say });
    const laps: Record<string, number[]> = {};
    let peakBytes = 0;
    for (let round = 0; round < rounds; round++) {
      const lap = async (name: string, run: (url: string) => Promise<number>) => {
        const seconds = await inFreshDatabase(ring, `${name}_${round}`, name !== 'holdfast', run);
        laps[name] = [...(laps[name] ?? []), seconds];
        say(`${name}: ${seconds.toFixed(2)} s`);
      };
      await lap('holdfast', async (url) => {
        const { seconds, peak } = await ours(ring, url);
        peakBytes = Math.max(peakBytes, peak);
        return seconds;
      });
      await lap('pg_restore_j2', (url) =>
        shell(ring, `'${oracle.pgRestore}' -j 2 --schema=public -d '${url}' '${directory}/dump.custom'`),
      );
      await lap('psql', (url) =>
        shell(ring, `'${oracle.psql}' -X -q -d '${url}' -f '${directory}/dump.sql' >/dev/null`),
      );
    }
    const best = Object.fromEntries(Object.entries(laps).map(([name, all]) => [name, Math.min(...all)]));
    return {
      ratios: { vs_pg_restore_j2: best.pg_restore_j2! / best.holdfast!, vs_psql: best.psql! / best.holdfast! },
      peak_rss_mb: peakBytes / MB,
      best_seconds: best,
      laps,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(
  stack: Stack,
  { oracle, directory, say }: { oracle: Oracle; directory: string; say: (text: string) => void },
): Promise<Ring> {
  const { env } = stack;
  const environment: NodeJS.ProcessEnv = {
    ...{ PATH: process.env.PATH, HOME: directory, LC_ALL: 'C.UTF-8', DATABASE_URL: env.DATABASE_URL! },
    BACKUP_PGP_PUBLIC_KEYS_FILE: env.BACKUP_PGP_PUBLIC_KEYS_FILE,
    BACKUP_PGP_PRIVATE_KEYS_FILE: env.PGP_PRIVATE_KEY_FILE,
  };
  say('making the backup and the two dumps');
  const script = join(REPOSITORY, 'scripts', 'export-critical-data.ts');
  const tsx = join(REPOSITORY, 'node_modules', '.bin', 'tsx');
  const made = await timeShell(`'${tsx}' '${script}' --mode full --out '${directory}/store' --json`, environment);
  const source = env.ADMIN_DATABASE_URL!;
  await timeShell(`'${oracle.pgDump}' -Fc --schema=public -f '${directory}/dump.custom' '${source}'`, environment);
  await timeShell(`'${oracle.pgDump}' --schema=public -f '${directory}/dump.sql' '${source}'`, environment);
  await timeShell(
    `'${oracle.pgDump}' --data-only --schema=auth --exclude-table=auth.schema_migrations -f '${directory}/auth.sql' '${source}'`,
    environment,
  );
  return { stack, oracle, directory, environment, backupId: JSON.parse(made.output).backup_id as string };
}

async function inFreshDatabase(
  { stack, oracle, directory, environment }: Ring,
  name: string,
  withUsers: boolean,
  run: (url: string) => Promise<number>,
): Promise<number> {
  const adminUrl = stack.env.ADMIN_DATABASE_URL!;
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} });
  try {
    await installPlatform(adminUrl, { cron: 'stand-in', databaseName: name });
    const url = urlOfDatabase(withUsers ? adminUrl : stack.env.DATABASE_URL!, name);
    const quiet = { ...environment, PGOPTIONS: '-c session_replication_role=replica' };
    if (withUsers) await timeShell(`'${oracle.psql}' -X -q -d '${url}' -f '${directory}/auth.sql' >/dev/null`, quiet);
    await admin`checkpoint`;
    return await run(url);
  } finally {
    await admin.unsafe(`drop database if exists "${name}" with (force)`);
    await admin.end();
  }
}

/** pg_restore counts as an error that schema public is there; its exit code 1 then says nothing. */
async function shell({ environment }: Ring, script: string): Promise<number> {
  return (await timeShell(`${script} 2>/dev/null || true`, environment)).seconds;
}

async function ours(
  { environment, directory, backupId }: Ring,
  url: string,
): Promise<{ seconds: number; peak: number }> {
  const args = ['--import', 'tsx', 'scripts/restore.ts', backupId, '--from', `${directory}/store`, '--json'];
  const begun = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: REPOSITORY,
    env: { ...environment, RESTORE_TARGET_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
  let ended = false;
  const code = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      ended = true;
      resolve(status);
    });
  });
  const peak = await watchPeak(child.pid!, () => ended);
  if ((await code) !== 0) throw new Error(`the restore ended with ${await code}: ${errors}${output.slice(0, 2000)}`);
  return { seconds: (performance.now() - begun) / 1000, peak };
}

async function watchPeak(pid: number, ended: () => boolean): Promise<number> {
  let peak = 0;
  while (!ended()) {
    try {
      peak = Math.max(peak, peakResidentBytes(pid) || 0);
    } catch {
      break; // it ended between the look and the read
    }
    await sleep(SAMPLE_MS);
  }
  return peak;
}
