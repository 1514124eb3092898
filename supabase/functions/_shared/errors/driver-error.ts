import { ERRORS, HoldfastError } from '../errors.ts';

/**
 * SQLSTATEs and driver codes after which the same call may succeed: the connection or the server went away, or the
 * server was busy. (PostgreSQL, appendix A: classes 08, 40, 53 and 57.)
 */
const PASSING =
  /^(08...|40001|40P01|53[0-9A-Z]{3}|55P03|57P0[1-5]|CONNECTION_\w+|CONNECT_TIMEOUT|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;

/** An error of the `postgres` driver as one of the catalogue; any other error unchanged in kind `bug`. */
export function catalogueError(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (typeof code === 'string' && PASSING.test(code)) {
    return ERRORS.DATABASE_UNREACHABLE(`the database did not answer: ${message}`, { cause: error, details: { code } });
  }
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) {
    return ERRORS.QUERY_FAILED(`the database refused a statement: ${message}`, {
      cause: error,
      details: { sqlState: code },
    });
  }
  return ERRORS.INTERNAL(message, { cause: error });
}
