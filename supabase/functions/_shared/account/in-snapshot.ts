import type { PgSession } from '../postgres/session.ts';

/** A reader who does not take what is written must not hold back the database's clean-up for as long as they like. */
const IDLE_MS = 60_000;

/**
 * Does the work within one read-only transaction, so that all it reads is of one moment. The session is in none before,
 * and in none after. Throws what the work throws, DATABASE_CONNECTION_LOST when nothing was asked for a minute.
 */
export async function inSnapshot<T>(session: PgSession, work: () => Promise<T>): Promise<T> {
  await session.query(
    `begin isolation level repeatable read read only; set local idle_in_transaction_session_timeout = ${IDLE_MS}`,
  );
  try {
    const result = await work();
    await session.query('commit');
    return result;
  } catch (error) {
    await session.query('rollback').catch(() => session.close());
    throw error;
  }
}
