import { ERRORS, type HoldfastError } from '../errors.ts';
import type { ErrorFields } from './wire-messages.ts';

/** SQLSTATEs after which the same statement may succeed later: lost connection, conflict, resources, operator, system. */
const TRANSIENT_SQL_STATE = /^(08|40|53|57|58)|^55P03$/;
/** What `set transaction snapshot` answers once the exporting transaction has ended; it differs by version. */
const SNAPSHOT_MESSAGE =
  /invalid snapshot identifier|could not import the requested snapshot|^snapshot .* does not exist/;

/** The catalogue's error for an ErrorResponse. DETAIL and CONTEXT are left out: they quote rows. */
export function queryFailed(fields: ErrorFields): HoldfastError {
  const sqlState = fields.C ?? '';
  const message = fields.M ?? 'the server gave no reason';
  const details = {
    sqlState,
    ...(fields.P ? { position: Number(fields.P) } : {}),
    ...(fields.n ? { constraint: fields.n } : {}),
  };
  if (SNAPSHOT_MESSAGE.test(message)) return ERRORS.SNAPSHOT_LOST(message, { details });
  if (TRANSIENT_SQL_STATE.test(sqlState)) return ERRORS.QUERY_INTERRUPTED(message, { details });
  return ERRORS.QUERY_FAILED(message, { details });
}
