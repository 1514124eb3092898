import type { JSONValue, Sql, TransactionSql } from 'postgres';
import type { Subject } from '../../domain/subject.ts';

/**
 * Notes by what, besides the id, tables name the person: the account may be gone before everything is done. Apart from the
 * entry of the ledger, which may come from the store and says it in hashes alone. What is noted stays; who is erased is
 * not noted again.
 */
export async function keepContact(
  sql: Sql | TransactionSql,
  erasureId: string,
  { email, phone }: Pick<Subject, 'email' | 'phone'>,
): Promise<void> {
  await sql`
    update backup.erasure set plan = plan || ${sql.json({ subject: { email, phone } } as JSONValue)}
    where erasure_id = ${erasureId} and subject_id is not null and plan -> 'subject' is null`;
}
