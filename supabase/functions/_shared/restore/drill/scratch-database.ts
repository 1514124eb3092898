/** The database that a drill makes on a server that is there already, and throws away. */
import type { Platform } from '../../platform.ts';
import type { ConnectionOptions } from '../../postgres/connection-url.ts';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.ts';
import { openSession } from '../../postgres/open-session.ts';
import type { PgSession } from '../../postgres/session.ts';

const APPLICATION = 'holdfast drill';

/** The name says whose it is: backup.drill_database() of the migrations makes the same. */
export function scratchName(jobId: string): string {
  return `holdfast_drill_${jobId.slice(0, 8)}`;
}

/** Idempotent. `encoding`: the source's. Throws QUERY_FAILED, for instance for a role that may create no databases. */
export async function createScratch(
  { platform, server }: { platform: Platform; server: ConnectionOptions },
  { name, encoding }: { name: string; encoding: string },
): Promise<void> {
  await withSession(platform, server, async (session) => {
    const [found] = await session.query(`select from pg_database where datname = ${quoteLiteral(name)}`);
    if (found) return;
    // template0 has nothing that somebody added, and allows any encoding.
    await session.query(
      `create database ${quoteIdentifier(name)} template template0 encoding ${quoteLiteral(encoding)}`,
    );
  });
}

/** Idempotent; ends the sessions in it. */
export async function dropScratch(
  { platform, server }: { platform: Platform; server: ConnectionOptions },
  name: string,
): Promise<void> {
  await withSession(platform, server, async (session) => {
    await session.query(`drop database if exists ${quoteIdentifier(name)} with (force)`);
  });
}

/** Those of the names that are databases of the server. */
export async function presentScratches(
  { platform, server }: { platform: Platform; server: ConnectionOptions },
  names: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return [];
  return await withSession(platform, server, async (session) => {
    const rows = await session.query(
      `select datname from pg_database where datname in (${names.map(quoteLiteral).join(', ')})`,
    );
    return rows.map(([name]) => name!);
  });
}

export async function withSession<T>(
  platform: Platform,
  database: ConnectionOptions,
  work: (session: PgSession) => Promise<T>,
): Promise<T> {
  const session = await openSession(platform, database, { applicationName: APPLICATION });
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
