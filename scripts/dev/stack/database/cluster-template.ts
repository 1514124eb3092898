/** initdb takes about a second: its result is kept per version and account, and a new cluster is a copy of it. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chown, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { devCacheDirectory } from './dev-cache.ts';
import { DATABASE_ERRORS } from './errors.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { ProcessAccount } from './unprivileged-account.ts';

/** The superuser's name, as on the platform. */
export const SUPERUSER = 'supabase_admin';

/** Raise it when the way clusters are initialised changes, so that kept ones are made anew. */
const TEMPLATE_VERSION = 1;

export interface ClusterTemplate {
  readonly dataDir: string;
  readonly superuserPassword: string;
}

/** Returns the kept cluster, made on the first call. Safe when several processes call at once. */
export async function clusterTemplate(binaries: PostgresBinaries, account: ProcessAccount): Promise<ClusterTemplate> {
  const cache = await devCacheDirectory('postgres-clusters', account);
  const key = createHash('sha256')
    .update(`${TEMPLATE_VERSION} ${binaries.version} ${binaries.binDir} ${account.uid ?? process.getuid?.()}`)
    .digest('hex')
    .slice(0, 12);
  const path = join(cache, `${binaries.version}-${key}`);
  if (!existsSync(path)) await initialise(binaries, account, path);
  return { dataDir: join(path, 'data'), superuserPassword: await readFile(join(path, 'superuser-password'), 'utf8') };
}

/** Copies a data directory as the account, so that the copy is its own. */
export async function copyCluster(from: string, to: string, account: ProcessAccount): Promise<void> {
  await run('cp', ['-R', from, to], account);
}

async function initialise(binaries: PostgresBinaries, account: ProcessAccount, path: string): Promise<void> {
  const unfinished = await mkdtemp(`${path}.`);
  const passwordFile = join(unfinished, 'superuser-password');
  await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
  if (account.uid !== undefined) {
    for (const file of [unfinished, passwordFile]) await chown(file, account.uid, account.gid ?? account.uid);
  }
  await run(join(binaries.binDir, 'initdb'), initdbArguments(join(unfinished, 'data'), passwordFile), account);
  // Our settings live in a file of their own, so that ALTER SYSTEM still overrides them.
  await appendFile(join(unfinished, 'data', 'postgresql.conf'), "\ninclude_if_exists = 'holdfast.conf'\n");
  try {
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(path)) throw error; // else another process was first: its cluster is as good as ours
  }
}

function initdbArguments(dataDir: string, passwordFile: string): string[] {
  return [
    `--pgdata=${dataDir}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=icu',
    '--icu-locale=en-US',
    '--no-sync',
  ];
}

function run(program: string, args: string[], account: ProcessAccount): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...account, cwd: '/', env: { PATH: process.env.PATH, LC_ALL: 'C' } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) return resolve();
      reject(DATABASE_ERRORS.POSTGRES_INITDB_FAILED(`'${program}' ended with ${code}`, { details: { output } }));
    });
  });
}
