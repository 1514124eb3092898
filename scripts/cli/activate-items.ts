import { HoldfastError } from '../../supabase/functions/_shared/errors.ts';
import type { PgSession } from '../../supabase/functions/_shared/postgres/session.ts';
import type { HeldBack } from '../../supabase/functions/_shared/restore/contracts.ts';

export interface ActivatedItem {
  readonly item: HeldBack;
  readonly state: 'on' | 'on already' | 'failed';
  /** What the server said; empty unless it failed. */
  readonly detail: string;
}

/** duplicate_object, duplicate_table, duplicate_function: it is there, so it is on. */
const THERE_ALREADY = new Set(['42710', '42P07', '42723']);
/** What CREATE SUBSCRIPTION and its like answer inside a transaction. */
const NOT_IN_TRANSACTION = '25001';

/**
 * Turns the items on, one after the other, each in a transaction of its own; one that fails does not stop the others.
 * Throws only what is no answer of the server: a lost connection.
 */
export async function activateItems(
  session: PgSession,
  items: readonly HeldBack[],
  onItem: (done: ActivatedItem) => void,
): Promise<ActivatedItem[]> {
  const all: ActivatedItem[] = [];
  for (const item of items) {
    const done = await activate(session, item);
    onItem(done);
    all.push(done);
  }
  return all;
}

async function activate(session: PgSession, item: HeldBack): Promise<ActivatedItem> {
  try {
    await session.query(`begin;\n${item.activateSql}\n;\ncommit`);
    return { item, state: 'on', detail: '' };
  } catch (error) {
    const sqlState = sqlStateOf(error);
    await session.query('rollback');
    if (sqlState === NOT_IN_TRANSACTION) return await activateAlone(session, item);
    return failure(item, error, sqlState);
  }
}

async function activateAlone(session: PgSession, item: HeldBack): Promise<ActivatedItem> {
  try {
    await session.query(item.activateSql);
    return { item, state: 'on', detail: '' };
  } catch (error) {
    return failure(item, error, sqlStateOf(error));
  }
}

function failure(item: HeldBack, error: unknown, sqlState: string): ActivatedItem {
  if (THERE_ALREADY.has(sqlState)) return { item, state: 'on already', detail: '' };
  return { item, state: 'failed', detail: (error as Error).message };
}

/** Throws the error itself when it is not the server's answer to a statement. */
function sqlStateOf(error: unknown): string {
  const state = error instanceof HoldfastError ? error.details.sqlState : undefined;
  if (typeof state !== 'string') throw error;
  return state;
}
