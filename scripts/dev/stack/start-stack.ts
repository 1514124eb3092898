/**
 * Starts a whole Supabase project on this machine, in one directory:
 *   1. claim the directory, start the guard
 *   2. PostgreSQL, platform, demo data and migrations; at the same time the S3 server, the PGP keys and the gateway
 *   3. users and files of the demo, the functions' runtime, pg_net's sender, pg_cron's clock
 *   4. open the gateway, write <dir>/env
 * What has been started is stopped in reverse, also when a later step fails.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { makeApiKeys } from './api-keys.ts';
import { authApi } from './auth-api.ts';
import { startCronClock } from './cron-clock.ts';
import { urlOfRole } from './database/install-platform.ts';
import { writeEnvFile } from './env-file.ts';
import { findFunctions } from './function-catalog.ts';
import type { IsolateLimits } from './function-process.ts';
import { startFunctionRunner } from './function-runner.ts';
import { startGateway } from './gateway.ts';
import { startGuard } from './guard.ts';
import { makeKeys, type StackKeys } from './keys.ts';
import { startNetSender } from './net-sender.ts';
import { REPOSITORY } from './repository.ts';
import { type StackS3, startS3 } from './s3.ts';
import { seedStorage } from './seed-storage.ts';
import { claimDirectory, releaseDirectory } from './stack-directory.ts';
import { functionEnv, type StackFacts, stackEnv } from './stack-env.ts';
import { makeStackUsers } from './stack-users.ts';
import { startDatabase } from './start-database.ts';
import { storageApi } from './storage-api.ts';
import { StorageFiles } from './storage-files.ts';

export interface StartStackOptions {
  /** Major version of PostgreSQL. Default 17. */
  readonly pg?: 15 | 17;
  /** Rows of demo data; 0 for none. Default 20000. */
  readonly rows?: number;
  /**
   * Everything in it is deleted at the start, and all but the logs at the stop. Default: a temporary one, deleted whole
   * at the stop.
   */
  readonly dir?: string;
  /** `real` needs PostgreSQL binaries with pg_cron (Debian's). Default `stand-in`. */
  readonly cron?: 'stand-in' | 'real';
  /** Directory of other PostgreSQL binaries than those of npm. */
  readonly pgBin?: string;
  /** More environment for the functions, such as BACKUP_SLICE_BYTES; wins over the stack's own. */
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Isolates of one function at the same time. Default 4. */
  readonly workers?: number;
  /** Limits of an isolate. Default: 400 s of life, retired at 1 s of CPU time, any number of requests. */
  readonly limits?: Partial<IsolateLimits>;
  /** Default 150 s, as on the platform. */
  readonly idleTimeoutMs?: number;
  /** Ceph RGW is used where it is installed. */
  readonly s3?: 'ceph-rgw' | 's3rver';
  /** The project: config.toml, migrations/, functions/. Default: this repository's. */
  readonly supabaseDir?: string;
  /** Hears of each part as it becomes ready. */
  onProgress?(text: string): void;
}

export interface Stack {
  /** What <dir>/env holds. */
  readonly env: Record<string, string>;
  /** Absolute. */
  readonly dir: string;
  /** What the stack is made of, for a summary. */
  readonly parts: { readonly database: string; readonly s3: string; readonly functions: readonly string[] };
  /** Process ids of the isolates of one function that live now. */
  functionPids(name: string): number[];
  /** Stops every part; afterwards only the logs are left in `dir`. Idempotent. */
  stop(): Promise<void>;
}

const BUCKET = 'holdfast-backups';
const DEFAULT_LIMITS: IsolateLimits = { wallMs: 400_000, softCpuMs: 1000, maxRequests: 0 };

/** Throws STACK_RUNNING, STACK_OPTION_INVALID, MIGRATION_FAILED, and what the database's and S3's starts throw. */
export async function startStack(options: StartStackOptions = {}): Promise<Stack> {
  const cleanup = new Cleanup();
  const dir = await claimDirectory(options.dir ?? (await temporaryDirectory(cleanup)));
  cleanup.add(() => releaseDirectory(dir));
  try {
    return await startParts(dir, options, cleanup);
  } catch (error) {
    await cleanup.run();
    throw error;
  }
}

async function startParts(dir: string, options: StartStackOptions, cleanup: Cleanup): Promise<Stack> {
  const supabaseDir = options.supabaseDir ?? join(REPOSITORY, 'supabase');
  const guard = startGuard(dir);
  cleanup.add(() => guard.stop());
  await mkdir(join(dir, 'logs'), { recursive: true });
  const gateway = await startGateway();
  cleanup.add(() => gateway.stop());
  const [database, s3, pgpKeys, apiKeys, functions] = await allOrError([
    startDatabase({ ...options, dir, supabaseDir, functionsUrl: `${gateway.url}/functions/v1`, guard, cleanup }),
    startS3Server(dir, { prefer: options.s3, cleanup }),
    makeKeys(join(dir, 'keys')),
    makeApiKeys(),
    findFunctions(supabaseDir),
  ]);
  options.onProgress?.('database, S3 server and keys are ready');

  const sql = postgres(database.adminUrl, { max: 8, onnotice: () => {} });
  cleanup.add(() => sql.end({ timeout: 1 }));
  const issuer = `${gateway.url}/auth/v1`;
  const userTokens = await makeStackUsers(sql, { keys: apiKeys, issuer });
  const files = new StorageFiles(join(dir, 'storage'));
  const seeded = await seedStorage(sql, files);
  options.onProgress?.(`${seeded} storage files are in place`);

  const facts = stackFacts({ database, s3, pgpKeys, apiKeys, userTokens, url: gateway.url });
  const runner = startFunctionRunner({
    dir,
    functions,
    env: { ...functionEnv(facts), ...options.workerEnv },
    isolates: options.workers ?? 4,
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    idleTimeoutMs: options.idleTimeoutMs ?? 150_000,
    guard,
  });
  cleanup.add(() => runner.stop());
  const auth = authApi({ sql, keys: apiKeys, issuer: () => issuer });
  const storage = storageApi({ sql, keys: apiKeys, files });
  gateway.open({ functions: runner, auth: auth.fetch, storage: storage.fetch, keys: apiKeys });

  const sender = await startNetSender(database.adminUrl);
  cleanup.add(() => sender.stop());
  if (options.cron !== 'real') {
    const login = (role: string) => urlOfRole(database.adminUrl, role, 'postgres');
    const clock = await startCronClock(database.adminUrl, { login });
    cleanup.add(() => clock.stop());
  }
  const env = stackEnv(facts);
  await writeEnvFile(join(dir, 'env'), env);
  return {
    env,
    dir,
    parts: { database: database.description, s3: s3.kind, functions: functions.map(({ name }) => name) },
    functionPids: (name) => runner.pids(name),
    stop: () => cleanup.run(),
  };
}

async function temporaryDirectory(cleanup: Cleanup): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-stack-'));
  // The account that PostgreSQL runs as must be able to pass through.
  await chmod(dir, 0o711);
  cleanup.add(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

async function startS3Server(
  dir: string,
  { prefer, cleanup }: { prefer: StackS3['kind'] | undefined; cleanup: Cleanup },
): Promise<StackS3> {
  const s3 = await startS3({ dir: join(dir, 's3'), prefer });
  cleanup.add(() => s3.stop());
  await s3.createBucket(BUCKET);
  return s3;
}

function stackFacts(parts: {
  database: { databaseUrl: string; adminUrl: string };
  s3: StackS3;
  pgpKeys: StackKeys;
  apiKeys: StackFacts['apiKeys'];
  userTokens: Record<string, string>;
  url: string;
}): StackFacts {
  const { endpoint, region, accessKeyId, secretAccessKey } = parts.s3;
  return { ...parts, ...parts.database, s3: { endpoint, region, accessKeyId, secretAccessKey, bucket: BUCKET } };
}

/** What must be undone, in reverse; a step that fails does not keep the others from being done. */
export class Cleanup {
  #steps: (() => unknown)[] = [];
  #running: Promise<void> | undefined;

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Idempotent. Throws the first failure after all steps have been tried. */
  run(): Promise<void> {
    this.#running ??= this.#runSteps();
    return this.#running;
  }

  async #runSteps(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** As Promise.all, but waits for the rest before it throws, so that no part starts after the clean-up. */
async function allOrError<T extends readonly unknown[]>(work: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const results = await Promise.allSettled(work as readonly Promise<unknown>[]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as unknown as T;
}
