import type { Sql, TransactionSql } from 'postgres';
import type { FilterOperator } from '../_shared/domain/backup-request.ts';

/** SQLSTATE classes that judge the condition itself: data exception, constraint (of a domain), syntax or access rule. */
const ABOUT_THE_CONDITION = /^(22|23|42)/;

/** Asks the server whether values of `type` have the operator and whether `value` is one; null when so, else what is wrong. */
export async function tryCondition(
  sql: TransactionSql,
  condition: { readonly type: string; readonly operator: FilterOperator; readonly value: string },
): Promise<string | null> {
  const { type, operator, value } = condition;
  try {
    // SAFETY: the type is format_type()'s own quoting and the operator one of ours; what the caller wrote is a parameter.
    await sql.savepoint((point) =>
      (point as unknown as Sql).unsafe(`select ($1::text)::${type}, null::${type} ${operator} null`, [value]),
    );
    return null;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== 'string' || !ABOUT_THE_CONDITION.test(code)) throw error;
    return code === '42883' ? `type ${type} has no operator ${operator}` : String(message).slice(0, 200);
  }
}
