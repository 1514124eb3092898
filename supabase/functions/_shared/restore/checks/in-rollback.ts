import type { PgSession } from '../../postgres/session.ts';
import { sqlStateOf } from './query-reason.ts';

/** Runs `work` in a transaction that never commits; `begin` adds to it, as in `read only`. Throws what `work` throws. */
export async function inRollback<T>(session: PgSession, work: () => Promise<T>, begin = ''): Promise<T> {
  await session.query(`begin ${begin}`);
  try {
    const result = await work();
    await session.query('rollback');
    return result;
  } catch (error) {
    // After anything but a refused query the connection may be gone, and the first error is the one to see.
    if (sqlStateOf(error) !== null) await session.query('rollback');
    else await session.query('rollback').catch(() => {});
    throw error;
  }
}

/** Runs `work` behind a savepoint and takes it back, failed or not. Throws what `work` throws. */
export async function inSavepoint<T>(session: PgSession, work: () => Promise<T>): Promise<T> {
  await session.query('savepoint holdfast_check');
  try {
    return await work();
  } finally {
    await session.query('rollback to holdfast_check').catch(() => {});
  }
}
