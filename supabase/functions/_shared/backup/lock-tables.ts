/**
 * A snapshot does not protect from TRUNCATE or a rewriting ALTER TABLE: to older snapshots the table then looks empty.
 * So the tables are locked against both, and what happened between snapshot and lock is looked for.
 */
import { ERRORS, HoldfastError } from '../errors.ts';
import { qualifiedName } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';

interface LockableTable {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

const TABLES_PER_STATEMENT = 500;
const DEFAULT_WAIT_MS = 60_000;
/** Well below a lease, so that a worker which waits in vain says so itself. */
export const WORKER_LOCK_WAIT_MS = 20_000;
const UNDEFINED_TABLE = '42P01';
const UNDEFINED_SCHEMA = '3F000';
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Takes ACCESS SHARE, which holds up nothing but DDL, until the transaction ends. `tables` are those that its snapshot
 * sees. Throws TABLES_CHANGED when the snapshot is already too old, or a table cannot be locked within `waitMs`.
 */
export async function lockTables(
  session: PgSession,
  tables: readonly LockableTable[],
  waitMs = DEFAULT_WAIT_MS,
): Promise<void> {
  await session.query(`set local lock_timeout = ${waitMs}`);
  for (let from = 0; from < tables.length; from += TABLES_PER_STATEMENT) {
    const some = tables.slice(from, from + TABLES_PER_STATEMENT);
    await lock(session, some, waitMs);
    await refuseRewritten(session, some);
  }
  await session.query('set local lock_timeout = 0');
}

async function lock(session: PgSession, tables: readonly LockableTable[], waitMs: number): Promise<void> {
  const names = tables.map((table) => `only ${qualifiedName(table)}`).join(', ');
  try {
    await session.query(`lock table ${names} in access share mode`);
  } catch (error) {
    const state = error instanceof HoldfastError ? error.details.sqlState : undefined;
    if (state === UNDEFINED_TABLE || state === UNDEFINED_SCHEMA) {
      throw ERRORS.TABLES_CHANGED('a table was dropped after the snapshot was taken', { cause: error });
    }
    if (state === LOCK_NOT_AVAILABLE) {
      throw ERRORS.TABLES_CHANGED(`a table was locked by somebody else for more than ${waitMs / 1000} s`, {
        cause: error,
        hint: 'Wait for the migration, VACUUM FULL or TRUNCATE that holds it, and start the backup again.',
      });
    }
    throw error;
  }
}

/** pg_relation_filenode() sees what is committed now, the row of pg_class what the snapshot sees. */
async function refuseRewritten(session: PgSession, tables: readonly LockableTable[]): Promise<void> {
  const [row] = await session.query(
    `select c.oid::pg_catalog.regclass::text from pg_catalog.pg_class c
     where c.oid in (${tables.map((table) => table.oid).join(', ')})
       and pg_catalog.pg_relation_filenode(c.oid) is distinct from c.relfilenode
     limit 1`,
  );
  if (row) throw ERRORS.TABLES_CHANGED(`${row[0]} was rewritten or truncated after the snapshot was taken`);
}
