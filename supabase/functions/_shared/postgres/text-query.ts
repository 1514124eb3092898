/** One statement without parameters; the rows of its answer, every value as text. A session's query() is one. */
import type { Sql, TransactionSql } from 'postgres';

export type TextQuery = (sql: string) => Promise<(string | null)[][]>;

/** The driver as a TextQuery: statements cast what they select to text. */
export function textQuery(sql: Sql | TransactionSql): TextQuery {
  return async (text) => {
    const rows = await sql.unsafe(text).values();
    return [...rows].map((row) => row.map((value: unknown) => (value === null ? null : String(value))));
  };
}
