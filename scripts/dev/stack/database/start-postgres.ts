/**
 * Starts a real PostgreSQL server for the local stack and the tests: 127.0.0.1 only, passwords always, settings as on
 * the hosted platform. Layout of `dir`: data/ (the cluster), superuser-password, postgres.log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import getPort from 'get-port';
import { clusterTemplate, copyCluster, SUPERUSER } from './cluster-template.ts';
import { devCacheDirectory } from './dev-cache.ts';
import { DATABASE_ERRORS } from './errors.ts';
import { findPostgresBinaries, type PostgresBinaries, type PostgresMajor } from './postgres-binaries.ts';
import { runningPostgres, stopPostmaster } from './stop-postgres.ts';
import { accountCanUse, makeOwnedDirectory, type ProcessAccount, unprivilegedAccount } from './unprivileged-account.ts';

export interface StartPostgresOptions {
  readonly major: PostgresMajor;
  /** Kept between starts: a second start on the same directory finds its data again. */
  readonly dir: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Other binaries than those of npm, for example Debian's /usr/lib/postgresql/15/bin. */
  readonly binDir?: string;
  /** shared_preload_libraries. */
  readonly preload?: readonly string[];
  /** Any setting of postgresql.conf; wins over the defaults. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Default false: a crash of the machine may lose the data, and tests are several times faster. */
  readonly fsync?: boolean;
  /** The directory of a stopped server to begin as a copy of, instead of an empty cluster. */
  readonly initdbFrom?: string;
}

export interface RunningPostgres {
  /** Connection URL of the superuser, password included, database `postgres`. */
  readonly adminUrl: string;
  readonly port: number;
  readonly pid: number;
  readonly binDir: string;
  readonly dataDir: string;
  readonly logFile: string;
  /** Waits until the process is gone; `remove` deletes the directory too. Idempotent. */
  stop(options?: { remove?: boolean }): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
/** A free port may be taken between the look and the bind. */
const PORT_ATTEMPTS = 5;

/** As hosted (wal_level, slots, connections, float digits, time zone), plus what makes throw-away servers fast. */
const DEFAULT_SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: '5',
  max_wal_senders: '5',
  max_connections: '60',
  max_slot_wal_keep_size: '512MB',
  extra_float_digits: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '30min',
  // Containers often have 64 MB of /dev/shm, too little for a parallel query.
  dynamic_shared_memory_type: 'mmap',
};

/** synchronous_commit stays on: without it, logical decoding would not show a commit until some moments later. */
const UNSAFE_BUT_FAST: Readonly<Record<string, string>> = { fsync: 'off', full_page_writes: 'off' };

/** Throws POSTGRES_BINARIES_MISSING, POSTGRES_ACCOUNT_MISSING, POSTGRES_DIRECTORY_UNUSABLE, POSTGRES_START_FAILED. */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const dir = resolve(options.dir);
  const account = unprivilegedAccount();
  const binaries = await findPostgresBinaries(options.major, { binDir: options.binDir, account });
  const running = await runningPostgres(dir);
  if (running) {
    throw DATABASE_ERRORS.POSTGRES_START_FAILED(`a server already runs on '${dir}'`, { details: running });
  }
  const dataDir = await prepareCluster(dir, { binaries, account, from: options.initdbFrom });
  const server = await startOnFreePort(options, { dir, dataDir, binaries, account });
  const password = await readFile(join(dir, 'superuser-password'), 'utf8');
  return {
    ...server,
    adminUrl: `postgresql://${SUPERUSER}:${password}@127.0.0.1:${server.port}/postgres`,
    binDir: binaries.binDir,
    dataDir,
    logFile: join(dir, 'postgres.log'),
    async stop(stopOptions) {
      await stopPostmaster(server.pid);
      if (!stopOptions?.remove) return;
      await rm(dataDir, { recursive: true, force: true });
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly dir: string;
  readonly dataDir: string;
  readonly binaries: PostgresBinaries;
  readonly account: ProcessAccount;
}

/** Returns the real data directory: `dir/data`, or what it links to when the account cannot reach `dir`. */
async function prepareCluster(
  dir: string,
  options: { binaries: PostgresBinaries; account: ProcessAccount; from?: string },
): Promise<string> {
  const { account } = options;
  const existed = existsSync(dir);
  await mkdir(dir, { recursive: true });
  const link = join(dir, 'data');
  if (existsSync(link)) return realpath(link);
  const source = options.from ? await clusterOf(options.from) : await clusterTemplate(options.binaries, account);
  await writeFile(join(dir, 'superuser-password'), source.superuserPassword, { mode: 0o600 });
  if (!existed) await makeOwnedDirectory(dir, account);
  if (accountCanUse(dir, account)) {
    await copyCluster(source.dataDir, link, account);
    return realpath(link);
  }
  const name = createHash('sha256').update(dir).digest('hex').slice(0, 16);
  const elsewhere = join(await devCacheDirectory('postgres-data', account), name);
  await rm(elsewhere, { recursive: true, force: true });
  await copyCluster(source.dataDir, elsewhere, account);
  await symlink(elsewhere, link);
  return elsewhere;
}

async function clusterOf(dir: string): Promise<{ dataDir: string; superuserPassword: string }> {
  if (await runningPostgres(dir)) {
    throw DATABASE_ERRORS.POSTGRES_START_FAILED(`'${dir}' cannot be copied while its server runs`);
  }
  return {
    dataDir: await realpath(join(dir, 'data')),
    superuserPassword: await readFile(join(dir, 'superuser-password'), 'utf8'),
  };
}

async function startOnFreePort(options: StartPostgresOptions, place: Place): Promise<{ pid: number; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await getPort({ host: '127.0.0.1' }));
    try {
      return { port, pid: await startOnce(options, place, port) };
    } catch (error) {
      const taken = JSON.stringify((error as { details?: unknown }).details ?? '').includes('Address already in use');
      if (options.port !== undefined || !taken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(options: StartPostgresOptions, place: Place, port: number): Promise<number> {
  const settings: Record<string, string> = { ...DEFAULT_SETTINGS, ...(options.fsync ? {} : UNSAFE_BUT_FAST) };
  if (options.preload?.length) settings.shared_preload_libraries = options.preload.join(',');
  Object.assign(settings, options.settings, { port: String(port) });
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  await writeFile(join(place.dataDir, 'holdfast.conf'), lines.join(''));
  const log = await open(join(place.dir, 'postgres.log'), 'a');
  try {
    const logStart = (await log.stat()).size;
    const child = spawn(join(place.binaries.binDir, 'postgres'), ['-D', place.dataDir], {
      ...place.account,
      cwd: '/',
      // Its own session: Ctrl-C in the terminal must not end it before we have stopped it in order.
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: serverEnvironment(),
    });
    return await waitUntilReady(child, place, logStart);
  } finally {
    await log.close();
  }
}

/** Nothing of ours but the mark by which `npm test` finds processes that a test left behind. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOLDFAST_TEST_RUN } = process.env;
  return { PATH, LC_ALL: 'C', ...(HOLDFAST_TEST_RUN ? { HOLDFAST_TEST_RUN } : {}) };
}

/** Ready is what the server itself says on line 8 of postmaster.pid, as pg_ctl reads it. */
async function waitUntilReady(child: ChildProcess, place: Place, logStart: number): Promise<number> {
  let failure: string | undefined;
  child.on('error', (error) => (failure = error.message));
  child.on('exit', (code, signal) => (failure = `it ended with ${code ?? signal}`));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (failure === undefined && Date.now() < deadline) {
    const lines = (await readFile(join(place.dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (Number(lines[0]) === child.pid && lines[7]?.startsWith('ready')) {
      child.removeAllListeners();
      child.unref();
      return child.pid as number;
    }
    await sleep(10);
  }
  if (failure === undefined) child.kill('SIGQUIT');
  const log = (await readFile(join(place.dir, 'postgres.log'))).subarray(logStart).toString().slice(-2000);
  throw DATABASE_ERRORS.POSTGRES_START_FAILED(
    `PostgreSQL did not start on '${place.dir}': ${failure ?? `not ready after ${START_TIMEOUT_MS} ms`}`,
    { details: { log } },
  );
}
