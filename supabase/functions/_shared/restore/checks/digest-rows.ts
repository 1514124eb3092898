import { ERRORS } from '../../errors.ts';
import { qualifiedName, quoteIdentifier } from '../../postgres/identifiers.ts';
import type { PgSession } from '../../postgres/session.ts';
import type { CheckContext, PlannedTable } from '../contracts.ts';
import { RowDigest } from './row-digest.ts';

export type ComparedFormat = 'copy' | 'csv';

/** Of the archive's rows of one table. Throws what reading the archive throws. */
export async function digestArchived(
  { read }: CheckContext,
  { table }: PlannedTable,
  format: ComparedFormat,
): Promise<string> {
  const digest = new RowDigest(format);
  for (const path of table.segments) {
    if (format === 'csv') digest.skipRow();
    for await (const bytes of read(path)) digest.add(bytes);
  }
  return digest.finish();
}

/** Of the rows that a table has now. `condition`: `where …`, or nothing. Throws QUERY_FAILED. */
export async function digestTable(
  session: PgSession,
  { target, columns }: Pick<PlannedTable, 'target' | 'columns'>,
  { format, condition = '' }: { format: ComparedFormat; condition?: string },
): Promise<string> {
  const rows = `select ${columns.map(quoteIdentifier).join(', ')} from only ${qualifiedName(target)} ${condition}`;
  return await digestCopy(session, `copy (${rows}) to stdout${format === 'csv' ? ' (format csv)' : ''}`, format);
}

async function digestCopy(session: PgSession, sql: string, format: ComparedFormat): Promise<string> {
  const digest = new RowDigest(format);
  for await (const { bytes } of session.copyOut(sql)) digest.add(bytes);
  return digest.finish();
}

/**
 * Of the archive's rows as this server writes them: they go through a temporary table with the target's types. Equal to
 * digestTable() when the texts differ only in how two versions write the same values. Format copy only.
 */
export async function digestReloaded(context: CheckContext, planned: PlannedTable): Promise<string> {
  const list = planned.columns.map(quoteIdentifier).join(', ');
  const session = await context.openSession();
  try {
    await session.query(`begin; create temporary table holdfast_reloaded on commit drop as
      select ${list} from only ${qualifiedName(planned.target)} with no data`);
    const loaded = await session.copyIn(
      `copy pg_temp.holdfast_reloaded${list && ` (${list})`} from stdin`,
      segments(context, planned),
    );
    if (loaded !== planned.table.rows) {
      throw ERRORS.ARCHIVE_DAMAGED(`its segments have ${loaded} rows, the manifest says ${planned.table.rows}`);
    }
    return await digestCopy(session, `copy (select ${list} from pg_temp.holdfast_reloaded) to stdout`, 'copy');
  } finally {
    await session.close();
  }
}

async function* segments({ read }: CheckContext, { table }: PlannedTable): AsyncGenerator<Uint8Array> {
  for (const path of table.segments) yield* read(path);
}
