import { HoldfastError } from '../../errors.ts';

const CONNECTION_ERRORS = new Set(['DATABASE_CONNECTION_LOST', 'DATABASE_UNREACHABLE']);
/** Connection exceptions, shutdowns and idle timeouts: the server says so and hangs up. */
const HANGS_UP = /^(08|57P|25P03$)/;
const QUERY_ERRORS = new Set(['QUERY_FAILED', 'QUERY_INTERRUPTED']);

/** True when there is no connection any more: then nothing was found out about the database. */
export function isConnectionGone(error: unknown): boolean {
  if (!(error instanceof HoldfastError)) return false;
  return CONNECTION_ERRORS.has(error.code) || HANGS_UP.test(String(error.details.sqlState ?? ''));
}

/** True when the store gave no answer, or not now: then nothing was found out about the backup. */
export function isStoreSilent(error: unknown): boolean {
  return error instanceof HoldfastError && error.kind === 'transient' && error.code.startsWith('STORE_');
}

/** Of a query that the server refused on a connection that lives on; null for any other error. */
export function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof HoldfastError) || !QUERY_ERRORS.has(error.code) || isConnectionGone(error)) return null;
  return String(error.details.sqlState ?? '');
}

/** SQLSTATE classes whose messages name objects; the others (22, 23, P0 …) may quote values of rows. */
const NAMES_OBJECTS = /^(0A|2B|2F|42|55|57|XX)/;

/**
 * Why the server refused a query, fit for a report: without row data. Anything but a refused query is thrown again,
 * so that a lost connection never looks like a finding.
 */
export function queryReason(error: unknown): string {
  const state = sqlStateOf(error);
  if (state === null) throw error;
  return NAMES_OBJECTS.test(state) ? `${(error as HoldfastError).message} (SQLSTATE ${state})` : `SQLSTATE ${state}`;
}
