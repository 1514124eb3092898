/**
 * A database of its own for every test, in tens of milliseconds: templates are built once per server, under a lock
 * because test files run in parallel processes, and copied per test. A template's name carries the hash of what it was
 * built from, so an edited migration makes a new one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { DATABASE_ERRORS } from '../../scripts/dev/stack/database/errors.ts';
import {
  installPlatform,
  installRoles,
  PLATFORM_FILES,
  urlOfDatabase,
  urlOfRole,
} from '../../scripts/dev/stack/database/install-platform.ts';
import type { PostgresMajor } from '../../scripts/dev/stack/database/postgres-binaries.ts';
import { seedDemo } from '../../scripts/dev/stack/database/seed-demo.ts';
import { testServerUrl } from './postgres-server.ts';

/** Each adds to the one before: nothing; the platform; our migrations; the demo application's data (2000 bookings). */
export type TemplateKind = 'empty' | 'supabase' | 'holdfast' | 'demo';

export interface TestDatabase {
  /** As role postgres, with the hosted privileges. */
  readonly url: string;
  /** As the superuser. */
  readonly adminUrl: string;
  readonly name: string;
  /** Drops the database and its replication slots; throws TEST_CONNECTION_LEAKED when connections to it were left open. */
  drop(): Promise<void>;
}

const ROLE_PASSWORD = 'postgres';
const DEMO_ROWS = 2000;
const DROP_GRACE_MS = 2000;
const SQL_DIRECTORY = new URL('../../scripts/dev/stack/sql/', import.meta.url);
const MIGRATIONS = new URL('../../supabase/migrations/', import.meta.url);

const rolesReady = new Map<string, Promise<void>>();

/** The caller calls drop() at the end of the test, failed or not. */
export async function createTestDatabase(options: {
  major: PostgresMajor;
  template: TemplateKind;
}): Promise<TestDatabase> {
  const serverUrl = await testServerUrl(options.major);
  await readyRoles(serverUrl);
  const template = await ensureTemplate(serverUrl, options.template);
  const name = `holdfast_test_${randomBytes(6).toString('hex')}`;
  // Copying files costs a fifth of what writing every block to the log does; nobody waits for its checkpoint with fsync off.
  await asAdmin(serverUrl, 'postgres', (sql) =>
    sql.unsafe(`create database ${name} template ${template} owner postgres strategy file_copy`),
  );
  if (options.template !== 'empty') await asAdmin(serverUrl, name, adoptCronJobs);
  const adminUrl = urlOfDatabase(serverUrl, name);
  return {
    name,
    adminUrl,
    url: urlOfRole(adminUrl, 'postgres', ROLE_PASSWORD),
    drop: () => dropDatabase(serverUrl, name),
  };
}

function readyRoles(serverUrl: string): Promise<void> {
  const ready = rolesReady.get(serverUrl) ?? installRoles(serverUrl, ROLE_PASSWORD);
  rolesReady.set(serverUrl, ready);
  return ready;
}

/** pg_cron keeps the database's name in its rows; a copy's jobs are the copy's. */
async function adoptCronJobs(sql: postgres.Sql): Promise<void> {
  await sql`update cron.job set database = current_database(), nodeport = inet_server_port()`;
}

async function ensureTemplate(serverUrl: string, kind: TemplateKind): Promise<string> {
  if (kind === 'empty') return 'template0';
  const name = `holdfast_template_${kind}_${(await contentHash(kind)).slice(0, 12)}`;
  await asAdmin(serverUrl, 'postgres', async (sql) => {
    const exists = () => sql`select from pg_catalog.pg_database where datname = ${name}`;
    if ((await exists()).length > 0) return;
    await sql`select pg_catalog.pg_advisory_lock(pg_catalog.hashtextextended(${name}, 0))`;
    if ((await exists()).length > 0) return; // another process built it while we waited
    // Built under another name: one left half-done by a crash is never taken for a template.
    const unfinished = `${name}_unfinished`;
    await sql.unsafe(`drop database if exists ${unfinished} with (force)`);
    await buildTemplate(serverUrl, kind, unfinished);
    await sql.unsafe(`alter database ${unfinished} rename to ${name}`);
    await sql.unsafe(`alter database ${name} allow_connections false`);
  });
  return name;
}

async function buildTemplate(serverUrl: string, kind: TemplateKind, name: string): Promise<void> {
  await installPlatform(serverUrl, { databaseName: name, rolePassword: ROLE_PASSWORD });
  const url = urlOfRole(urlOfDatabase(serverUrl, name), 'postgres', ROLE_PASSWORD);
  if (kind === 'holdfast' || kind === 'demo') await applyMigrations(url);
  if (kind === 'demo') await seedDemo(url, { rows: DEMO_ROWS });
}

/** Runs supabase/migrations in order, as role postgres, each file as one batch as `supabase db push` does. */
export async function applyMigrations(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    for (const file of await migrationFiles()) {
      await sql.unsafe(await readFile(new URL(file, MIGRATIONS), 'utf8')).simple();
    }
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function migrationFiles(): Promise<string[]> {
  return (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql')).sort();
}

async function contentHash(kind: TemplateKind): Promise<string> {
  const hash = createHash('sha256').update(`${DEMO_ROWS}`);
  const files = ['platform-1-roles.sql', ...PLATFORM_FILES['stand-in']].map((name) => new URL(name, SQL_DIRECTORY));
  if (kind !== 'supabase') files.push(...(await migrationFiles()).map((name) => new URL(name, MIGRATIONS)));
  if (kind === 'demo') {
    const demo = (await readdir(SQL_DIRECTORY)).filter((name) => name.startsWith('demo-')).sort();
    files.push(...demo.map((name) => new URL(name, SQL_DIRECTORY)));
  }
  for (const file of files)
    hash.update(file.pathname.slice(file.pathname.lastIndexOf('/'))).update(await readFile(file));
  return hash.digest('hex');
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  await asAdmin(serverUrl, 'postgres', async (sql) => {
    const backends = () => sql<{ application_name: string; query: string }[]>`
      select application_name, pg_catalog.left(query, 80) as query from pg_catalog.pg_stat_activity
      where datname = ${name} and backend_type = 'client backend'`;
    const deadline = Date.now() + DROP_GRACE_MS;
    let left = await backends();
    // A closed socket takes the server a moment to notice.
    while (left.length > 0 && Date.now() < deadline) {
      await sleep(20);
      left = await backends();
    }
    await dropSlots(sql, name);
    await sql.unsafe(`drop database if exists ${name} with (force)`);
    if (left.length > 0) {
      throw DATABASE_ERRORS.TEST_CONNECTION_LEAKED(
        `${left.length} connection(s) to the test's database were left open`,
        {
          details: { backends: [...left] },
        },
      );
    }
  });
}

async function dropSlots(sql: postgres.Sql, name: string): Promise<void> {
  await sql`
    select pg_catalog.pg_terminate_backend(active_pid, 5000) from pg_catalog.pg_replication_slots
    where database = ${name} and active_pid is not null`;
  await sql`select pg_catalog.pg_drop_replication_slot(slot_name) from pg_catalog.pg_replication_slots where database = ${name}`;
}

async function asAdmin(
  serverUrl: string,
  database: string,
  work: (sql: postgres.Sql) => Promise<unknown>,
): Promise<void> {
  const sql = postgres(serverUrl, {
    database,
    max: 1,
    onnotice: () => {},
    connection: { application_name: 'holdfast-tests' },
  });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
