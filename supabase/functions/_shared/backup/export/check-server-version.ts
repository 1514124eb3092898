import { ERRORS } from '../../errors.ts';
import type { PgSession } from '../../postgres/session.ts';

const OLDEST_MAJOR = 15;
/** What the pg_dump that we carry can read. */
const NEWEST_MAJOR = 17;

/** Throws DATABASE_VERSION_UNSUPPORTED. */
export function checkServerVersion({
  serverVersion,
  serverVersionNum,
}: Pick<PgSession, 'serverVersion' | 'serverVersionNum'>): void {
  const major = Math.floor(serverVersionNum / 10_000);
  if (major >= OLDEST_MAJOR && major <= NEWEST_MAJOR) return;
  throw ERRORS.DATABASE_VERSION_UNSUPPORTED(
    `PostgreSQL ${OLDEST_MAJOR} to ${NEWEST_MAJOR} can be exported: this server is ${serverVersion}`,
    { details: { serverVersion } },
  );
}
