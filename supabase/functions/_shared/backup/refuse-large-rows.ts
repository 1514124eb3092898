/**
 * A worker call has a CPU limit, so a row has a size limit. It is found here, before the run copies anything, without
 * reading the values: octet_length() of text and bytea and pg_column_size() look at the TOAST pointer alone. The rows
 * themselves are read, and a large database has more of them than a lease has seconds: what is not found in time is
 * found by the copy, which cuts what is too large until one row is left.
 */
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Column, Table } from '../postgres/catalog-types.ts';
import { qualifiedName, quoteIdentifier } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import type { WorkLimits } from './backup-settings.ts';

/** pglz and lz4 hardly ever pack better than this; a table with less TOAST has no row above the limit. */
const BEST_COMPRESSION = 64;
const TEXT = new Set([25, 1043, 1042]);
const BYTEA = 17;
const DEFAULT_BUDGET_MS = 20_000;
/** Of a statement that was stopped: its time was over, or somebody cancelled it. */
const QUERY_CANCELED = '57014';

/** In an open transaction. Throws ROW_TOO_LARGE naming the table, the row and the limit. */
export async function refuseLargeRows(
  session: PgSession,
  tables: readonly Table[],
  { maxRowBytes, largeRowsMs = DEFAULT_BUDGET_MS }: Pick<WorkLimits, 'maxRowBytes' | 'largeRowsMs'>,
): Promise<void> {
  const until = Date.now() + largeRowsMs;
  await session.query('savepoint large_rows');
  try {
    for (const table of tables.filter((one) => one.toastBytes > maxRowBytes / BEST_COMPRESSION)) {
      const leftMs = until - Date.now();
      if (leftMs <= 0) break;
      await session.query(`set local statement_timeout = ${leftMs}`);
      await refuseLargeRowsOf(session, table, maxRowBytes);
    }
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.details.sqlState !== QUERY_CANCELED) throw error;
  }
  await session.query('rollback to savepoint large_rows'); // with it goes the timeout
  await session.query('release savepoint large_rows');
}

async function refuseLargeRowsOf(session: PgSession, table: Table, maxRowBytes: number): Promise<void> {
  const sizes = table.columns.filter((column) => !column.generated).map(sizeOf);
  if (sizes.length === 0) return;
  const [row] = await session.query(
    `select ctid::text, size::text from (select ctid, ${sizes.join(' + ')} as size from only ${qualifiedName(table)}) s ` +
      `where size > ${maxRowBytes} order by size desc limit 1`,
  );
  if (row) throw tooLarge(table, row as [string, string], maxRowBytes);
}

function sizeOf(column: Column): string {
  const name = quoteIdentifier(column.name);
  // COPY writes two hex digits for a byte.
  const size =
    column.typeOid === BYTEA
      ? `2 * octet_length(${name})::bigint`
      : TEXT.has(column.typeOid)
        ? `octet_length(${name}::text)::bigint`
        : `pg_column_size(${name})::bigint`;
  return `coalesce(${size}, 0)`;
}

function tooLarge(table: Table, [ctid, size]: [string, string], maxRowBytes: number) {
  const name = `${table.schema}.${table.name}`;
  return ERRORS.ROW_TOO_LARGE(
    `the row at ctid ${ctid} of ${name} has ${size} bytes; a worker call takes rows up to ${maxRowBytes} bytes (BACKUP_MAX_ROW_BYTES)`,
    { details: { table: name, ctid, row_bytes: Number(size), max_row_bytes: maxRowBytes } },
  );
}
