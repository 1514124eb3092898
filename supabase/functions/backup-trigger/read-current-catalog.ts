import type { TransactionSql } from 'postgres';
import type { Catalog } from '../_shared/postgres/catalog-types.ts';
import { readCatalog } from '../_shared/postgres/read-catalog.ts';
import type { PgSession } from '../_shared/postgres/session.ts';

/** The catalogue as the plan of a run will see it, read through the driver's transaction instead of a session of its own. */
export async function readCurrentCatalog(sql: TransactionSql): Promise<Catalog> {
  const [server] = await sql`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as number`;
  const reader = {
    serverVersion: server!.version as string,
    serverVersionNum: server!.number as number,
    query: async (text: string) => (await sql.unsafe(text).values()).map((row) => row.map(asText)),
  };
  // SAFETY: readCatalog() reads: these three are all it uses of a session.
  return await readCatalog(reader as unknown as PgSession);
}

/** A session hands values over as text; the driver has parsed JSON and numbers. */
function asText(value: unknown): string | null {
  if (value === null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
