/** Begins the transaction in which a backup reads, and says which moment that is. */
import { ERRORS, HoldfastError } from '../errors.ts';
import { quoteLiteral } from './identifiers.ts';
import type { PgSession } from './session.ts';

export interface SnapshotInfo {
  /** For `set transaction snapshot` and pg_dump --snapshot; valid while the transaction that exported it is open. */
  readonly name: string;
  /** pg_current_snapshot(): xmin:xmax:xip_list. */
  readonly pgSnapshot: string;
  /** WAL position when the snapshot was taken or imported; null on a standby. */
  readonly lsn: string | null;
  /** ISO 8601 in UTC, by the server's clock. */
  readonly takenAt: string;
  readonly serverVersion: string;
}

const DESCRIBE = `
  select pg_current_snapshot()::text,
         case when pg_is_in_recovery() then null else pg_current_wal_lsn()::text end,
         to_char(transaction_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** SQLSTATEs of a snapshot that is gone or never was: 15 says 22023 or 55000, newer versions 42704. */
const GONE = new Set(['22023', '42704', '55000']);

/**
 * `begin isolation level repeatable read, read only`; exports the snapshot, or imports the one named.
 * Throws SNAPSHOT_LOST when the named snapshot's transaction has ended; no transaction is left open then.
 */
export async function beginSnapshot(session: PgSession, options: { import?: string } = {}): Promise<SnapshotInfo> {
  await session.query('begin isolation level repeatable read, read only');
  const name = options.import ?? null;
  if (name !== null) await importSnapshot(session, name);
  const [row] = await session.query(name === null ? `${DESCRIBE}, pg_export_snapshot()` : DESCRIBE);
  const [pgSnapshot, lsn, takenAt, exported] = row!;
  return {
    name: name ?? exported!,
    pgSnapshot: pgSnapshot!,
    lsn: lsn ?? null,
    takenAt: takenAt!,
    serverVersion: session.serverVersion,
  };
}

async function importSnapshot(session: PgSession, name: string): Promise<void> {
  try {
    await session.query(`set transaction snapshot ${quoteLiteral(name)}`);
  } catch (error) {
    if (!(error instanceof HoldfastError) || !GONE.has(String(error.details.sqlState))) throw error;
    await session.query('rollback');
    throw ERRORS.SNAPSHOT_LOST(`snapshot '${name}' no longer exists: ${error.message}`, { cause: error });
  }
}
