import type { Sql } from '../../postgres/open-driver.ts';
import type { PgSession } from '../../postgres/session.ts';

/** The project's own HTTP interfaces, with a key that row security does not hold back. */
export interface ProjectAccess {
  /** Base URL, as in SUPABASE_URL. */
  readonly supabaseUrl: string;
  readonly serviceKey: string;
  readonly fetch: typeof fetch;
}

/** What an export is made with. */
export interface ExportMeans {
  readonly sql: Sql;
  /** For the rows; in no transaction. */
  readonly session: PgSession;
  readonly project: ProjectAccess;
}
