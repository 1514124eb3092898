/**
 * Makes a database look like a hosted Supabase project with the privileges that `postgres` really has there: what it
 * cannot do hosted must fail here too. The SQL is in ../sql/platform-*.sql, in the order of the files' numbers.
 */
import { readFile } from 'node:fs/promises';
import postgres from 'postgres';
import { DATABASE_ERRORS } from './errors.ts';

export interface InstallPlatformOptions {
  /** `real` needs a server that preloads pg_cron with cron.database_name = databaseName; default `stand-in`. */
  readonly cron?: 'stand-in' | 'real';
  /** Created when missing; default `postgres`. */
  readonly databaseName?: string;
  /** Of the login roles postgres, authenticator, supabase_auth_admin, supabase_storage_admin. Default `postgres`. */
  readonly rolePassword?: string;
}

const SQL_DIRECTORY = new URL('../sql/', import.meta.url);
const LOGIN_ROLES = ['postgres', 'authenticator', 'supabase_auth_admin', 'supabase_storage_admin'] as const;
/** As on the platform: a session that needs longer sets its own statement_timeout. */
const STATEMENT_TIMEOUT = '2min';
/** One number for all that must happen once per server; advisory locks count per database, so take it in `postgres`. */
export const SERVER_LOCK = 4_841_070_001;

/** The files that make a platform database, in order, relative to the sql directory. */
export const PLATFORM_FILES: Record<'stand-in' | 'real', readonly string[]> = {
  'stand-in': platformFiles('platform-6-cron-stand-in.sql'),
  real: platformFiles('platform-6-cron-real.sql'),
};

/** Takes the superuser's URL (any database of the server). Throws PLATFORM_NOT_INSTALLED. Not repeatable per database. */
export async function installPlatform(adminUrl: string, options: InstallPlatformOptions = {}): Promise<void> {
  const databaseName = options.databaseName ?? 'postgres';
  await installRoles(adminUrl, options.rolePassword ?? 'postgres');
  await withDatabase(adminUrl, 'postgres', async (sql) => {
    const [found] = await sql`select from pg_catalog.pg_database where datname = ${databaseName}`;
    if (!found) await sql.unsafe(`create database "${databaseName.replaceAll('"', '""')}" template template0`);
    await sql.unsafe(`alter database "${databaseName.replaceAll('"', '""')}" owner to postgres`);
  });
  await withDatabase(adminUrl, databaseName, async (sql) => {
    for (const file of PLATFORM_FILES[options.cron ?? 'stand-in']) await runFile(sql, file);
  });
}

/** Roles and server settings, once per server and again without harm; processes wait for each other. */
export async function installRoles(adminUrl: string, rolePassword: string): Promise<void> {
  await withDatabase(adminUrl, 'postgres', async (sql) => {
    await sql`select pg_catalog.pg_advisory_lock(${SERVER_LOCK}::bigint)`;
    await runFile(sql, 'platform-1-roles.sql');
    for (const role of LOGIN_ROLES) await sql.unsafe(await alterPassword(sql, role, rolePassword));
    await sql.unsafe(`alter system set statement_timeout = '${STATEMENT_TIMEOUT}'`);
    await sql`select pg_catalog.pg_reload_conf()`;
  });
}

/** The same server, another database. */
export function urlOfDatabase(url: string, databaseName: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(databaseName)}`;
  return changed.href;
}

/** The same server and database, as another role. */
export function urlOfRole(url: string, role: string, password: string): string {
  const changed = new URL(url);
  changed.username = encodeURIComponent(role);
  changed.password = encodeURIComponent(password);
  return changed.href;
}

function platformFiles(cronFile: string): string[] {
  return [
    'platform-2-schemas.sql',
    'platform-3-auth.sql',
    'platform-4-storage.sql',
    'platform-5-vault.sql',
    cronFile,
    'platform-7-cron-grants.sql',
    'platform-8-net.sql',
    'platform-9-realtime.sql',
  ];
}

async function alterPassword(sql: postgres.Sql, role: string, password: string): Promise<string> {
  const [row] =
    await sql`select pg_catalog.format('alter role %I password %L', ${role}::text, ${password}::text) as text`;
  return row?.text as string;
}

async function runFile(sql: postgres.Sql, file: string): Promise<void> {
  try {
    await sql.unsafe(await readFile(new URL(file, SQL_DIRECTORY), 'utf8')).simple();
  } catch (cause) {
    throw DATABASE_ERRORS.PLATFORM_NOT_INSTALLED(`'${file}' failed: ${(cause as Error).message}`, { cause });
  }
}

async function withDatabase(
  url: string,
  databaseName: string,
  work: (sql: postgres.Sql) => Promise<void>,
): Promise<void> {
  // As an option and not in the URL: the driver does not decode percent signs there.
  const sql = postgres(url, { database: databaseName, max: 1, onnotice: () => {} });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
