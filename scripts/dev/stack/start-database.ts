/** The stack's PostgreSQL: server, platform, demo data, migrations, and where the functions are. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { installPlatform, urlOfRole } from './database/install-platform.ts';
import { seedDemo } from './database/seed-demo.ts';
import { type RunningPostgres, startPostgres } from './database/start-postgres.ts';
import type { Guard } from './guard.ts';
import { applyMigrations } from './migrations.ts';
import type { Cleanup, StartStackOptions } from './start-stack.ts';

export interface StackDatabase {
  readonly adminUrl: string;
  /** Role postgres. */
  readonly databaseUrl: string;
  readonly description: string;
}

interface StartDatabaseOptions extends Pick<StartStackOptions, 'pg' | 'rows' | 'cron' | 'pgBin' | 'onProgress'> {
  readonly dir: string;
  readonly supabaseDir: string;
  readonly functionsUrl: string;
  readonly guard: Guard;
  readonly cleanup: Cleanup;
}

const DATABASE = 'postgres';
/** Of the login roles; the stack listens on this machine only. */
const ROLE_PASSWORD = 'postgres';

export async function startDatabase(options: StartDatabaseOptions): Promise<StackDatabase> {
  const cron = options.cron ?? 'stand-in';
  const server = await startServer(options, cron);
  await installPlatform(server.adminUrl, { cron, databaseName: DATABASE, rolePassword: ROLE_PASSWORD });
  const databaseUrl = urlOfRole(server.adminUrl, 'postgres', ROLE_PASSWORD);
  const rows = options.rows ?? 20_000;
  if (rows > 0) await seedDemo(databaseUrl, { rows });
  options.onProgress?.(`PostgreSQL is up with ${rows} rows of demo data`);
  await applyMigrations({
    supabaseDir: options.supabaseDir,
    databaseUrl,
    workDir: join(options.dir, 'cli'),
    logFile: join(options.dir, 'logs', 'migrations.log'),
  });
  const version = await configure(databaseUrl, options.functionsUrl);
  return { adminUrl: server.adminUrl, databaseUrl, description: `PostgreSQL ${version}` };
}

async function startServer(options: StartDatabaseOptions, cron: 'stand-in' | 'real'): Promise<RunningPostgres> {
  const server = await startPostgres({
    major: options.pg ?? 17,
    dir: join(options.dir, 'postgres'),
    binDir: options.pgBin,
    preload: cron === 'real' ? ['pg_cron'] : undefined,
    settings: cron === 'real' ? { 'cron.database_name': DATABASE } : undefined,
  });
  options.guard.watch(server.pid, 'INT');
  options.cleanup.add(async () => {
    await server.stop();
    options.guard.unwatch(server.pid);
    await rm(server.dataDir, { recursive: true, force: true });
  });
  if (cron === 'real') await trustLocalPostgres(server);
  return server;
}

/** pg_cron logs in as the job's role without a password, as it may on the platform. */
async function trustLocalPostgres(server: RunningPostgres): Promise<void> {
  const path = join(server.dataDir, 'pg_hba.conf');
  await writeFile(path, `host ${DATABASE} postgres 127.0.0.1/32 trust\n${await readFile(path, 'utf8')}`);
  await withConnection(server.adminUrl, (sql) => sql`select pg_catalog.pg_reload_conf()`);
}

/** Tells the project where its functions are; returns the server's version. */
async function configure(databaseUrl: string, functionsUrl: string): Promise<string> {
  return withConnection(databaseUrl, async (sql) => {
    const [found] = await sql`select pg_catalog.to_regproc('backup.configure') is not null as installed,
      pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) as version`;
    if (found?.installed) await sql`select backup.configure(p_functions_url := ${functionsUrl})`;
    return found?.version as string;
  });
}

async function withConnection<T>(url: string, work: (sql: postgres.Sql) => PromiseLike<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
