/**
 * Brings the rows back, phase by phase, several objects at the same time. An object that goes into a table of ours is a
 * transaction of its own with its mark; a table that is replaced or merged is one transaction as a whole.
 */
import type { FormatName } from '../domain/formats.ts';
import { HoldfastError } from '../errors.ts';
import { qualifiedName } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import type { Archive, PhaseResult, PlannedTable, RestoreEvent, RestorePlan } from './contracts.ts';
import { leftOutRows, leftOutWords, stepsWritten } from './left-out-rows.ts';
import { loadRows, mergeRows, type RowsWritten } from './load-rows.ts';
import type { RestoreMarks } from './restore-marks.ts';
import { stepOf, stepsDone } from './steps-of.ts';
import { untilAborted } from './until-aborted.ts';

export interface RestoreRows {
  readonly archive: Archive;
  readonly plan: RestorePlan;
  readonly marks: RestoreMarks;
  readonly sessions: readonly PgSession[];
  readonly startedAt: number;
  readonly onEvent?: (event: RestoreEvent) => void;
  readonly signal: AbortSignal;
}

interface Unit {
  readonly table: PlannedTable;
  /** One object of the table, or all of them. */
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** Commits need not wait for the disk: marks and rows become durable in the same order, and the last step waits. */
const BEGIN = 'begin; set local session_replication_role = replica; set local synchronous_commit = off';

/** The phases that were restored and looked at. Throws the first failure, naming the table; then no session works any more. */
export async function restoreRows(work: RestoreRows, results: PhaseResult[]): Promise<void> {
  for (const phase of work.plan.phases) {
    const begun = performance.now();
    work.onEvent?.({ type: 'phase', name: phase.name });
    const tables = work.plan.tables.filter((table) => table.phase === phase.phase && table.action !== 'skip');
    await inParallel(
      work,
      tables.flatMap((table) => unitsOf(table, work)),
    );
    const missing = tables.flatMap((table) => shortOfRows(table, work.marks));
    const aside = tables.flatMap((table) => leftOutWords(table, work.marks, ['alone']));
    const found = [...missing, ...aside];
    results.push({
      name: phase.name,
      withinMinutes: phase.withinMinutes,
      seconds: (performance.now() - begun) / 1000,
      doneAfterSeconds: (performance.now() - work.startedAt) / 1000,
      verdict: missing.length > 0 ? 'failed' : aside.length > 0 ? 'inconclusive' : 'passed',
      detail:
        found.length === 0
          ? `${phase.rows.toLocaleString('en-US')} rows of ${phase.tables} tables are in; to look at: ${phase.validate}`
          : found.join('; '),
    });
  }
}

function unitsOf(table: PlannedTable, { archive, marks }: RestoreRows): Unit[] {
  const sizes = new Map(archive.manifest.objects.map((object) => [object.path, object.raw_bytes]));
  const { segments } = table.table;
  const unit = (paths: readonly string[]) => ({
    table,
    paths,
    bytes: paths.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0),
  });
  const units = table.action === 'load' ? segments.map((path) => unit([path])) : [unit(segments)];
  // Where rows were left out, somebody may have made room for them before the same restore goes on.
  return units.filter((one) => !marks.done(stepOf(one)) || leftOutRows(table, marks) > 0);
}

/** The rows that COPY counted, against those of the manifest. */
function shortOfRows(planned: PlannedTable, marks: RestoreMarks): string[] {
  const { table, action } = planned;
  if (action === 'merge') return leftOutWords(planned, marks, ['referred']);
  const { rows } = stepsDone(planned, marks);
  return rows === table.rows
    ? []
    : [`${table.schema}.${table.name}: ${rows} rows came in, the backup has ${table.rows}`];
}

async function inParallel(work: RestoreRows, units: readonly Unit[]): Promise<void> {
  // The largest first: a large one that begins last would leave the other sessions idle.
  const waiting = [...units].sort((one, other) => other.bytes - one.bytes).values();
  let failed = false;
  const takeSome = async (session: PgSession) => {
    for (const unit of waiting) {
      if (failed) return;
      work.signal.throwIfAborted();
      await restoreUnit(work, session, unit).catch((error) => {
        failed = true;
        throw error;
      });
    }
  };
  const all = await Promise.allSettled(work.sessions.slice(0, Math.max(1, units.length)).map(takeSome));
  for (const one of all) if (one.status === 'rejected') throw one.reason;
}

async function restoreUnit(work: RestoreRows, session: PgSession, unit: Unit): Promise<void> {
  const { table } = unit.table;
  const name = `${table.schema}.${table.name}`;
  work.onEvent?.({ type: 'table', name });
  await session.query(BEGIN);
  try {
    const written = stepsWritten(unit, await writeUnit(work, session, unit), work.marks);
    await session.query(`${written.map(([step, rows]) => work.marks.markSql(step, rows)).join('; ')}; commit`);
    for (const [step, rows] of written) work.marks.noted(step, rows);
  } catch (error) {
    await session.query('rollback').catch(() => undefined); // a lost connection has rolled back already
    throw namingTable(error, name);
  }
}

async function writeUnit(work: RestoreRows, session: PgSession, { table: planned, paths }: Unit): Promise<RowsWritten> {
  const { table, target, columns, action } = planned;
  const format = work.archive.manifest.data_format as FormatName;
  const sources = paths.map((path) => counted(work, path));
  if (action === 'merge') {
    return await mergeRows(session, { target, columns, allColumns: table.columns, format }, sources);
  }
  if (action === 'replace') await session.query(`delete from only ${qualifiedName(target)}`);
  let rows = 0;
  const jsonNulls = Object.keys(table.json_null_columns ?? {});
  for (const source of sources) rows += await loadRows(session, { target, columns, format, jsonNulls }, source);
  return { rows, leftOut: {} };
}

async function* counted({ archive, onEvent, signal }: RestoreRows, path: string): AsyncGenerator<Uint8Array> {
  for await (const bytes of untilAborted(archive.read(path), signal)) {
    onEvent?.({ type: 'rows', bytes: bytes.length });
    yield bytes;
  }
}

function namingTable(error: unknown, table: string): unknown {
  if (!(error instanceof HoldfastError) || error.message.includes(table)) return error;
  const { code, hint, details, message } = error;
  return new HoldfastError(code, error, `${table}: ${message}`, { cause: error, hint, details: { ...details, table } });
}
