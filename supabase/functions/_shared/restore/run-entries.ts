/** Runs scheduled entries over several sessions, each entry in a transaction with its mark. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../errors.ts';
import type { PgSession } from '../postgres/session.ts';
import type { DumpEntry } from './contracts.ts';
import { failedEntry, isThereAlready } from './run-pre-data.ts';
import type { Stage, Unit } from './schedule-entries.ts';

export interface RunEntries {
  readonly sessions: readonly PgSession[];
  readonly stages: readonly Stage[];
  readonly signal: AbortSignal;
  /** By `schema.name`: in a stage the entries of the largest tables begin, or they would end alone. 0 when not known. */
  bytesOf?(table: string): number;
  /** What the target has already stays as it is, instead of ending the restore. */
  readonly tolerant: boolean;
  isDone(key: string): boolean;
  /** SQL that runs in the entry's transaction. */
  markSql(key: string): string;
  onDone(key: string): void;
}

/** A deadlock with a client of the target's own, or with autovacuum. */
const DEADLOCK = '40P01';
const ATTEMPTS = 3;

/** The same for the same entry of the same backup. */
export function entryKey({ type, schema, name, sql }: DumpEntry): string {
  return createHash('sha256')
    .update(JSON.stringify([type, schema, name, sql]))
    .digest('hex')
    .slice(0, 32);
}

/**
 * Throws RESTORE_FAILED naming the first entry that failed, with the server's message, and its SQLSTATE in `details`;
 * the other sessions stop at their next entry. Settings run in every session and leave no mark: they must hold again in
 * the sessions of the next attempt.
 */
export async function runEntries(work: RunEntries): Promise<void> {
  for (const stage of work.stages) {
    work.signal.throwIfAborted();
    const settings = stage.filter(({ everywhere }) => everywhere).flatMap(({ entries }) => entries);
    for (const entry of settings) await Promise.all(work.sessions.map((session) => set(entry, session)));
    if (settings.length === 0) await runStage(stage, work);
  }
}

async function set(entry: DumpEntry, session: PgSession): Promise<void> {
  try {
    await session.query(entry.sql);
  } catch (error) {
    throw failedEntry(error, entry);
  }
}

async function runStage(stage: Stage, work: RunEntries): Promise<void> {
  const waiting = largestFirst(stage, work);
  const active = new Set<Unit>();
  const errors: unknown[] = [];
  let wake: (() => void)[] = [];
  const changed = () => {
    for (const one of wake) one();
    wake = [];
  };
  const isOver = () => errors.length > 0 || work.signal.aborted;
  const takeSome = async (session: PgSession): Promise<void> => {
    while (waiting.length > 0 && !isOver()) {
      const index = waiting.findIndex((unit) => fits(unit, active));
      if (index < 0) {
        await new Promise<void>((resolve) => wake.push(resolve));
        continue;
      }
      const [unit] = waiting.splice(index, 1);
      active.add(unit!);
      try {
        for (const entry of unit!.entries) if (!isOver()) await runEntry(entry, session, work);
      } catch (error) {
        errors.push(error); // first of all: it is what stops the others
        await rollBack(session);
      } finally {
        active.delete(unit!);
        changed();
      }
    }
  };
  await Promise.all(work.sessions.slice(0, stage.length).map(takeSome));
  if (errors.length > 0) throw errors[0];
  work.signal.throwIfAborted();
}

/** By the table that is read: of a foreign key the referring one. Units of one table keep their order. */
function largestFirst(stage: Stage, { bytesOf = () => 0 }: RunEntries): Unit[] {
  const weight = ({ tables: [table] }: Unit) => (table === undefined ? 0 : bytesOf(table));
  return [...stage].sort((one, other) => weight(other) - weight(one));
}

function fits(unit: Unit, active: ReadonlySet<Unit>): boolean {
  return [...active].every(
    (other) => !(unit.exclusive || other.exclusive) || !unit.tables.some((table) => other.tables.includes(table)),
  );
}

async function runEntry(entry: DumpEntry, session: PgSession, work: RunEntries): Promise<void> {
  const key = entryKey(entry);
  if (work.isDone(key)) return;
  for (let attempt = 1; ; attempt++) {
    try {
      await session.query(`begin;\n${entry.sql}\n;${work.markSql(key)};\ncommit`);
      break;
    } catch (error) {
      const there = work.tolerant && isThereAlready(error);
      if (!there && !(isDeadlock(error) && attempt < ATTEMPTS)) throw failedEntry(error, entry);
      await rollBack(session);
      if (there) break;
    }
  }
  work.onDone(key);
}

async function rollBack(session: PgSession): Promise<void> {
  await session.query('rollback').catch(() => undefined); // a lost connection has rolled back already
}

function isDeadlock(error: unknown): boolean {
  return error instanceof HoldfastError && error.details.sqlState === DEADLOCK;
}
