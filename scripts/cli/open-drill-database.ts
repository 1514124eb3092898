/** A PostgreSQL of the source's major version in a directory of its own, shaped like a Supabase project where the source was one. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../supabase/functions/_shared/domain/manifest-types.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { DrillDatabase } from '../../supabase/functions/_shared/restore/run-drill.ts';
import { installPlatform, urlOfDatabase, urlOfRole } from '../dev/stack/database/install-platform.ts';
import type { PostgresMajor } from '../dev/stack/database/postgres-binaries.ts';
import { startPostgres } from '../dev/stack/database/start-postgres.ts';

const MAJORS: readonly number[] = [15, 17] satisfies PostgresMajor[];
const DATABASE = 'drill';
/** Of a server that listens on 127.0.0.1 for minutes. */
const ROLE_PASSWORD_BYTES = 24;

/** Throws RESTORE_TARGET_UNUSABLE for a source that is newer than any PostgreSQL here, and what starting one throws. */
export async function openDrillDatabase({ source }: Manifest): Promise<DrillDatabase> {
  const wanted = Math.floor(source.server_version_num / 10_000);
  const major = MAJORS.find((one) => one >= wanted);
  if (major === undefined) {
    throw ERRORS.RESTORE_TARGET_UNUSABLE(
      `the source was PostgreSQL ${wanted}; drills have ${MAJORS.join(' and ')} on this machine`,
    );
  }
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-drill-'));
  await chmod(directory, 0o755); // the account that the server runs as must pass through
  const server = await startPostgres({ major: major as PostgresMajor, dir: join(directory, 'server') }).catch(
    async (error) => {
      await rm(directory, { recursive: true, force: true });
      throw error;
    },
  );
  const destroy = async () => {
    await server.stop({ remove: true });
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const url = await prepare(server.adminUrl, source.supabase);
    await allowIndexChecks(server.adminUrl);
    return { url, description: `embedded PostgreSQL ${major}`, destroy };
  } catch (error) {
    await destroy();
    throw error;
  }
}

/** Only a superuser may install amcheck; a server without it makes that check inconclusive, with its reason. */
async function allowIndexChecks(adminUrl: string): Promise<void> {
  const { default: postgres } = await import('postgres');
  const sql = postgres(urlOfDatabase(adminUrl, DATABASE), { max: 1, onnotice: () => {} });
  try {
    const [available] = await sql`select from pg_available_extensions where name = 'amcheck'`;
    if (!available) return;
    await sql.unsafe(
      'create schema if not exists extensions; create extension if not exists amcheck schema extensions',
    );
    await sql.unsafe(
      'grant usage on schema extensions to public; grant execute on all functions in schema extensions to public',
    );
  } finally {
    await sql.end();
  }
}

async function prepare(adminUrl: string, supabase: boolean): Promise<string> {
  if (!supabase) {
    const { default: postgres } = await import('postgres');
    const sql = postgres(adminUrl, { max: 1, onnotice: () => {} });
    await sql.unsafe(`create database ${DATABASE} template template0 encoding 'UTF8'`).finally(() => sql.end());
    return urlOfDatabase(adminUrl, DATABASE);
  }
  const rolePassword = Buffer.from(crypto.getRandomValues(new Uint8Array(ROLE_PASSWORD_BYTES))).toString('hex');
  await installPlatform(adminUrl, { cron: 'stand-in', databaseName: DATABASE, rolePassword });
  return urlOfRole(urlOfDatabase(adminUrl, DATABASE), 'postgres', rolePassword);
}
