/**
 * Erased people stay erased: before a restored database is released, every entry of the erasure ledger is carried out in it
 * again. A second time finds nothing.
 */
import { parseEntry } from '../archive/erasure-entry-file.ts';
import { type ErasureEntry, markOf } from '../domain/erasure-entry.ts';
import { HoldfastError } from '../errors.ts';
import { readEraseCatalog } from '../postgres/erase-catalog.ts';
import { eraseRows } from '../postgres/erase-rows.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import type { CheckResult } from './contracts.ts';
import { eraseFileRows } from './erase-file-rows.ts';
import { batchesOf, type ErasureBatch } from './erasure-batches.ts';
import type { ErasureSource } from './erasure-source.ts';
import type { ReplayScope } from './erasure-targets.ts';
import { findKeptRows, type KeptRows, noteKeptRows } from './kept-rows.ts';
import { type QuietTriggers, quietTriggers } from './quiet-triggers.ts';
import { LEDGER_TABLE, ledgerOnlyInDatabase, takeOverLedger } from './take-over-ledger.ts';

export interface ReplayResult {
  readonly check: CheckResult;
  /** Rows that are gone or written over by it, in all. */
  readonly rows: number;
}

export interface ReplayPlan extends Pick<ReplayScope, 'plan' | 'options'> {
  /** ISO time: the moment that the backup shows. */
  readonly takenAt: string;
}

const NAME = 'erasures';
const FILE_ROWS = { schema: 'storage', table: 'objects' };

/**
 * Failed: an erasure could not be carried out, and the target must not be released. Inconclusive: there was no ledger, or
 * not all of it could be applied. Throws only when the connection is lost.
 */
export async function replayErasures(
  session: PgSession,
  source: ErasureSource | undefined,
  { plan, options, takenAt }: ReplayPlan,
): Promise<ReplayResult> {
  const begun = performance.now();
  const conclude = (
    verdict: CheckResult['verdict'],
    detail: string,
    findings: readonly string[] = [],
    rows = 0,
  ): ReplayResult => ({
    check: { name: NAME, verdict, detail, findings, seconds: (performance.now() - begun) / 1000 },
    rows,
  });
  if (source?.kind !== 'ledger') {
    const because = source?.because ?? 'no erasure ledger was given';
    return conclude('inconclusive', `${because}: people who were erased after the backup may be in this database`);
  }
  const { problems, location } = source.ledger;
  const query = (sql: string) => session.query(sql);
  const findings: string[] = problems.map((problem) => `left out: ${problem}`);
  const catalog = await readEraseCatalog(query);
  const replay = new Replay(session, { plan, options, catalog, now: new Date() });
  const entries = [...source.ledger.entries];
  let failed = false;
  try {
    for (const text of await ledgerOnlyInDatabase(session, { entries, catalog })) {
      const entry = parseEntry(text);
      entries.push({ key: '', entry, text, sha256: '', signed: false });
      replay.unclear.add(
        `entry ${entry.position}, erasure ${entry.erasure_id}, is in this database and not in ${location}`,
      );
    }
    const all = entries.map(({ entry }) => entry);
    const { batches, unclear } = await batchesOf(query, { entries: all, scope: replay.scope, takenAt });
    for (const text of unclear) replay.unclear.add(text);
    const tables = batches.flatMap(({ actions }) => actions.filter(({ action }) => action !== 'keep'));
    const triggers = await quietTriggers(query, [...tables, ...(batches.length > 0 ? [FILE_ROWS] : [])], catalog);
    replay.triggers = triggers;
    for (const batch of batches) findings.push(...(await replay.apply(batch)));
    if (replay.rows > 0 && triggers.loud.length > 0)
      findings.push(`triggers that this role may not turn off ran: ${triggers.loud.join(', ')}`);
    await takeOverLedger(session, { entries: source.ledger.entries, catalog });
    for (const text of await noteKeptRows(query, replay.kept, catalog)) replay.unclear.add(text);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind === 'transient') throw error;
    failed = true;
    findings.push(error.message);
  }
  const { rows, people, unclear } = replay;
  findings.push(...[...unclear].map((text) => `not certain: ${text}`));
  const words = `${entries.length} erasures of ${location} were applied: ${people} people were in the backup, ${rows} rows of theirs are erased again`;
  if (failed)
    return conclude(
      'failed',
      'an erasure could not be applied: people who were erased are in this database',
      findings,
      rows,
    );
  if (problems.length > 0 || unclear.size > 0)
    return conclude('inconclusive', `${words}; not everything is certain`, findings, rows);
  return conclude('passed', words, findings, rows);
}

class Replay {
  rows = 0;
  people = 0;
  /** Of what was committed. */
  readonly kept: KeptRows[] = [];
  readonly unclear = new Set<string>();
  readonly scope: ReplayScope;
  triggers: QuietTriggers = { off: [], on: [], loud: [] };
  readonly #session: PgSession;

  constructor(session: PgSession, scope: ReplayScope) {
    this.#session = session;
    this.scope = scope;
  }

  /** One transaction; returns what it did, when it did something. What fails is done again one by one, to name it. */
  async apply(batch: ErasureBatch): Promise<string[]> {
    const query = (sql: string) => this.#session.query(sql);
    try {
      await query(['begin', ...this.triggers.off].join('; '));
      const kept = await findKeptRows(query, batch, this.scope);
      const findings = await this.#erase(batch);
      await query([...this.triggers.on, 'commit'].join('; '));
      this.kept.push(...kept);
      return findings;
    } catch (error) {
      await query('rollback').catch(() => undefined); // a lost connection has rolled back already
      const [first, ...others] = batch.people;
      if (others.length === 0) throw naming(error, first!.entry);
    }
    const findings: string[] = [];
    for (const one of batch.people)
      findings.push(...(await this.apply({ ...batch, people: [one], subjects: one.subjects })));
    return findings;
  }

  async #erase({ people, subjects, actions, folderBuckets }: ErasureBatch): Promise<string[]> {
    const query = (sql: string) => this.#session.query(sql);
    const { catalog, plan } = this.scope;
    const erasureId = people[0]!.entry.erasure_id;
    const { tables, effects } = await eraseRows(query, { actions, subjects, catalog, erasureId });
    const files = await eraseFileRows(query, { ids: subjects.ids, folderBuckets, catalog, plan });
    await this.#forget(subjects.ids);
    const erased = tables.filter(({ action, rows }) => action !== 'keep' && rows > 0);
    const others = effects.reduce((sum, { rows }) => sum + rows, 0);
    const rows = erased.reduce((sum, one) => sum + one.rows, 0) + files;
    if (rows + others === 0) return [];
    this.rows += rows + others;
    this.people += people.length;
    const names = erased.map(
      (one) => `${one.schema}.${one.table} ${one.rows}${one.action === 'anonymise' ? ' anonymised' : ''}`,
    );
    if (files > 0) names.push(`storage.objects ${files}`);
    if (others > 0) names.push(`by foreign keys ${others}`);
    const which = people.map(({ entry }) => `${entry.erasure_id} of ${entry.erased_at.slice(0, 10)}`);
    return [`erasure${which.length > 1 ? 's' : ''} ${which.join(', ')}: ${names.join(', ')}`];
  }

  /** Our own records of them came with the backup too. */
  async #forget(ids: readonly string[]): Promise<void> {
    const ours = ['security_events_log', 'backup_log', 'backup_verification', 'backup_tests'];
    const whole = ours.every((table) => this.scope.catalog.find({ schema: 'public', table }) !== undefined);
    if (ids.length === 0 || !whole || this.scope.catalog.find(LEDGER_TABLE) === undefined) return;
    const query = (sql: string) => this.#session.query(sql);
    const [row] = await query(`select pg_catalog.to_regprocedure('backup.forget_subject(uuid, text)') is not null`);
    if (row![0] !== 't' && row![0] !== 'true') return;
    const list = ids.map((id) => `(${quoteLiteral(id)}::uuid, ${quoteLiteral(markOf('id', id))})`);
    await query(`select backup.forget_subject(p.id, p.mark) from (values ${list.join(', ')}) as p (id, mark)`);
  }
}

function naming(error: unknown, { erasure_id: id, erased_at: at }: ErasureEntry): unknown {
  if (!(error instanceof HoldfastError)) return error;
  const { code, hint, details, message } = error;
  return new HoldfastError(code, error, `erasure ${id} of ${at.slice(0, 10)}: ${message}`, {
    cause: error,
    hint,
    details,
  });
}
