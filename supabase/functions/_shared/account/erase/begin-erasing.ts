import type { TextQuery } from '../../postgres/text-query.ts';

/** Long enough for a busy table, short enough not to queue everybody else behind us. */
const LOCK_TIMEOUT = '10s';

/** Settings of the transaction that erases, or looks what it would do. Throws what the query throws. */
export async function beginErasing(query: TextQuery): Promise<void> {
  await query(`set local search_path = ''`);
  await query(`set local statement_timeout = 0`);
  await query(`set local idle_in_transaction_session_timeout = 0`);
  await query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
  await query(`set local row_security = off`);
}
