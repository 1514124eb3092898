import type { JSONValue, Sql } from 'postgres';
import { ERRORS } from '../_shared/errors.ts';
import type { StartBody } from './request-schemas.ts';

/** SQLSTATE of backup.start_run() while backup.configure() has not been called. */
const NOT_CONFIGURED = '55000';

/** Starts the run and calls the first workers, both or neither. Throws FUNCTIONS_URL_UNKNOWN. */
export async function startRun(sql: Sql, request: StartBody, createdBy: string | null): Promise<string> {
  try {
    return await sql.begin(async (transaction) => {
      const [row] = await transaction`
        select backup.start_run(${transaction.json(request as unknown as JSONValue)}::jsonb, ${createdBy}::uuid) as backup_id`;
      await transaction`select backup.dispatch()`;
      return row!.backup_id as string;
    });
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== NOT_CONFIGURED) throw cause;
    throw ERRORS.FUNCTIONS_URL_UNKNOWN('Holdfast does not know where its functions answer', { cause });
  }
}
