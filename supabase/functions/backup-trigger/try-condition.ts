import type { TransactionSql } from 'postgres';
import type { FilterOperator } from '../_shared/domain/backup-request.ts';

/** SQLSTATE classes that judge the condition itself: data exception, constraint (of a domain), syntax or access rule. */
const ABOUT_THE_CONDITION = /^(22|23|42)/;
const NO_OPERATOR = '42883';

/** Asks the server whether values of the type have the operator and whether `value` is one; null when so, else what is wrong. */
export async function tryCondition(
  sql: TransactionSql,
  condition: { readonly typeOid: number; readonly operator: FilterOperator; readonly value: string },
): Promise<string | null> {
  const { operator, value } = condition;
  const type = await typeName(sql, condition.typeOid);
  try {
    // SAFETY: the type is format_type()'s own quoting and the operator one of ours; what the caller wrote is a parameter.
    await sql.savepoint((point) => point.unsafe(`select ($1::text)::${type}, null::${type} ${operator} null`, [value]));
    return null;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    if (typeof code !== 'string' || !ABOUT_THE_CONDITION.test(code)) throw error;
    return code === NO_OPERATOR ? `type ${type} has no operator ${operator}` : String(message).slice(0, 200);
  }
}

/** -1 asks for the bare type: without it `character` would mean `character(1)`. */
async function typeName(sql: TransactionSql, oid: number): Promise<string> {
  const [row] = await sql`select pg_catalog.format_type(${oid}::oid, -1) as name`;
  return row!.name as string;
}
