import { ERRORS, HoldfastError } from '../errors.ts';
import type { PgSession } from '../postgres/session.ts';
import type { DumpEntry } from './contracts.ts';
import type { RestoreMarks } from './restore-marks.ts';

/** duplicate_schema, _table, _object, _function, _column, and a second primary key. */
const THERE_ALREADY = new Set(['42P06', '42P07', '42710', '42723', '42701', '42P16']);

/**
 * The entries in one transaction with its mark: all of them, or nothing. With `tolerant`, what the target has already
 * stays as it is and is returned, as `TYPE name`. Throws RESTORE_FAILED naming the entry.
 */
export async function runPreData(
  session: PgSession,
  entries: readonly DumpEntry[],
  { marks, step, tolerant }: { marks: RestoreMarks; step: string; tolerant: boolean },
): Promise<string[]> {
  if (marks.done(step)) return [];
  const end = `;\n${marks.markSql(step)};\ncommit`;
  const there: string[] = [];
  try {
    if (tolerant) {
      await session.query('begin');
      for (const entry of entries) if (await existed(session, entry)) there.push(`${entry.type} ${entry.name}`);
      await session.query(end);
    } else {
      await atOnce(session, entries, end);
    }
  } catch (error) {
    await session.query('rollback').catch(() => undefined); // a lost connection has rolled back already
    throw error;
  }
  marks.noted(step);
  return there;
}

/** One message to the server, whatever the distance to it; its error says at which character. */
async function atOnce(session: PgSession, entries: readonly DumpEntry[], end: string): Promise<void> {
  const begin = 'begin;\n';
  try {
    await session.query(begin + entries.map(({ sql }) => sql).join('\n') + end);
  } catch (error) {
    const entry = entryAt(entries, positionOf(error) - begin.length);
    throw failedEntry(error, entry ?? (await firstRefused(session, entries, error)));
  }
}

/** Not every error has a position: the entries once more, one by one and undone, until one is refused alike. */
async function firstRefused(
  session: PgSession,
  entries: readonly DumpEntry[],
  failure: unknown,
): Promise<DumpEntry | null> {
  if (!(failure instanceof HoldfastError) || failure.details.sqlState === undefined) return null;
  let tried: DumpEntry | null = null;
  try {
    await session.query('rollback; begin');
    for (const entry of entries) {
      tried = entry;
      await session.query(entry.sql);
    }
    return null;
  } catch {
    return tried;
  }
}

async function existed(session: PgSession, entry: DumpEntry): Promise<boolean> {
  try {
    await session.query(`savepoint entry;\n${entry.sql}\n;release savepoint entry`);
    return false;
  } catch (error) {
    if (!isThereAlready(error)) throw failedEntry(error, entry);
    await session.query('rollback to savepoint entry');
    return true;
  }
}

/** Did the server refuse because the target has such a thing already? */
export function isThereAlready(error: unknown): boolean {
  return error instanceof HoldfastError && THERE_ALREADY.has(String(error.details.sqlState));
}

function positionOf(error: unknown): number {
  return error instanceof HoldfastError ? Number(error.details.position ?? 0) : 0;
}

/** The server counts characters, from 1. */
function entryAt(entries: readonly DumpEntry[], position: number): DumpEntry | null {
  let end = 0;
  for (const entry of entries) {
    end += [...entry.sql].length + 1;
    if (position > 0 && position <= end) return entry;
  }
  return null;
}

export function failedEntry(error: unknown, entry: DumpEntry | null): unknown {
  if (!(error instanceof HoldfastError) || error.kind === 'transient') return error;
  const what = entry ? `${entry.type} ${entry.schema ? `${entry.schema}.` : ''}${entry.name}` : 'the schema';
  return ERRORS.RESTORE_FAILED(`${what}: ${error.message}`, {
    cause: error,
    details: { ...error.details, entry: what },
  });
}
