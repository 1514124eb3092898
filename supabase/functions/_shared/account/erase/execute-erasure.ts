/**
 * Executes an erasure:
 *   1. the person is signed out, and no sign-in succeeds any more
 *   2. the plan must still be the one that was confirmed; its entry goes into the ledger: database, then store, signed
 *   3. files, through the Storage API; rows, all in one transaction; the user, through the Auth API; what came in meanwhile
 *   4. certificate, the backups that still hold them, and our own records forget who it was
 * Each step is marked when it is done: killed at any moment, the same call goes on.
 */
import { parseEntry } from '../../archive/erasure-entry-file.ts';
import type { ErasureEntry } from '../../domain/erasure-entry.ts';
import type { Subject } from '../../domain/subject.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { Sql as DriverSql } from '../../postgres/open-driver.ts';
import { readSubject } from '../read-subject.ts';
import { blockedHint } from './blocked-hint.ts';
import { certificateOf, type ErasureCertificate } from './certificate.ts';
import { eraseFiles } from './erase-files.ts';
import { eraseLateRows } from './erase-late-rows.ts';
import type { EraseMeans } from './erase-means.ts';
import { eraseSubjectRows } from './erase-subject-rows.ts';
import { type ErasureRow, readErasure } from './erasure-row.ts';
import { keepContact } from './keep-contact.ts';
import { type DecidedErasure, planErasure } from './plan-erasure.ts';
import { deleteAuthUser } from './platform-api.ts';
import { catchUpLedger, decideLedgerEntry, publishLedgerEntry } from './write-ledger-entry.ts';

export interface ExecuteOptions {
  /** True when this call has no time left: it returns after the step that it is at. */
  readonly isOver?: () => boolean;
  /** Called between steps. */
  readonly onStep?: (step: string) => Promise<void> | void;
}

export type ExecutedErasure =
  | { readonly state: 'completed'; readonly certificate: ErasureCertificate }
  /** Completed in the database that this one was restored from: the ledger says so, and the certificate is there. */
  | { readonly state: 'completed elsewhere' }
  /** Time was over first: to be called again. */
  | { readonly state: 'again' };

/**
 * Throws ERASURE_NOT_OPEN, ERASURE_PLAN_CHANGED and ERASURE_BLOCKED (the erasure is refused, nothing was erased),
 * LEDGER_FOREIGN and LEDGER_DAMAGED (nothing was erased; it goes on when somebody has put that right), and transient errors
 * after which the same call goes on.
 */
export async function executeErasure(
  means: EraseMeans,
  erasureId: string,
  { isOver = () => false, onStep = () => {} }: ExecuteOptions = {},
): Promise<ExecutedErasure> {
  let row = await begin(means, erasureId);
  if (row.state === 'completed') return done(row);
  const again = async (step: string) => {
    await onStep(step);
    row = (await readErasure(means.sql, erasureId))!;
    // Somebody else was at it too, and has ended it.
    return row.state === 'completed';
  };
  if (row.entry === null) {
    const decided = await stillPlanned(means, row);
    await catchUpLedger(means);
    await decideLedgerEntry(means, erasureId, decided);
    if (await again('ledger')) return done(row);
  }
  if (row.stored_at === null) {
    await publishLedgerEntry(means, row);
    if (await again('store')) return done(row);
  }
  const erased = { entry: parseEntry(row.entry!), subject: await subjectOf(means, row) };
  if (row.files_erased_at === null) {
    if (!(await eraseFiles(means, { ...erased, row }, isOver))) return { state: 'again' };
    if (await again('files')) return done(row);
  }
  if (row.rows_erased_at === null) {
    await eraseSubjectRows(means, erased);
    if (await again('rows')) return done(row);
  } else if (row.auth_erased_at === null) {
    await eraseLateRows(means, erased);
  }
  if (row.auth_erased_at === null) {
    if (!(await eraseAccount(means, { ...erased, erasureId }, isOver))) return { state: 'again' };
    if (await again('account')) return done(row);
  }
  return { state: 'completed', certificate: await complete(means, row) };
}

function done({ certificate }: ErasureRow): ExecutedErasure {
  if (certificate === null) return { state: 'completed elsewhere' };
  return { state: 'completed', certificate: JSON.parse(certificate) as ErasureCertificate };
}

/** An entry that came from the store does not say it: the database was set back, and has the account again. */
async function subjectOf({ sql }: EraseMeans, row: ErasureRow): Promise<Subject> {
  const id = row.subject_id!;
  if (row.plan.subject) return { ...row.plan.subject, id };
  // SAFETY: the driver's own type, with bigint as a number, which it does not use.
  const known = await readSubject(sql as unknown as DriverSql, id);
  if (known) await keepContact(sql, row.erasure_id, known.subject);
  return known?.subject ?? { id, email: null, phone: null };
}

async function begin({ sql }: EraseMeans, erasureId: string): Promise<ErasureRow> {
  const [row] = await sql<ErasureRow[]>`select * from backup.begin_erasure(${erasureId})`;
  if (!row) throw ERRORS.ERASURE_NOT_OPEN(`there is no erasure ${erasureId}`);
  if (row.state === 'executing' || row.state === 'completed') return row;
  const because =
    row.state === 'scheduled'
      ? `can be called off until ${row.due_at!.toISOString()}, and is executed then`
      : `is ${row.state}, and only a confirmed one is executed`;
  throw ERRORS.ERASURE_NOT_OPEN(`the erasure ${erasureId} ${because}`);
}

/** Looks again at everything: what would block is found before the ledger says that it was done. */
async function stillPlanned(means: EraseMeans, row: ErasureRow): Promise<DecidedErasure> {
  try {
    const { decided, plan } = await planErasure(means.sql, row.subject_id!, { begun: true });
    if (decided.sha256 !== row.plan_sha256) {
      throw ERRORS.ERASURE_PLAN_CHANGED(
        'what the erasure would do is not what was confirmed: tables, actions or constraints have changed',
        {
          details: { planned: row.plan_sha256, found: decided.sha256 },
        },
      );
    }
    refuseBlockers(plan.blockers);
    return decided;
  } catch (error) {
    if (error instanceof HoldfastError && error.kind === 'permanent')
      await means.sql`select backup.refuse_erasure(${row.erasure_id}, ${means.sql.json(error.toJSON() as never)})`;
    throw error;
  }
}

/** Throws ERASURE_BLOCKED. */
export function refuseBlockers(
  blockers: readonly { schema: string; table: string; constraint: string; rows: number; because: string }[],
): void {
  if (blockers.length === 0) return;
  const words = blockers.map(
    ({ schema, table, constraint, rows, because }) => `${constraint} of ${schema}.${table} (${rows} rows: ${because})`,
  );
  throw ERRORS.ERASURE_BLOCKED(`constraints stand in the way: ${words.join('; ')}`, {
    details: { constraints: blockers.map(({ constraint }) => constraint) },
    hint: blockedHint(blockers),
  });
}

interface Erased {
  readonly erasureId: string;
  readonly entry: ErasureEntry;
  readonly subject: Subject;
}

/** False when time was over first. What came in meanwhile goes too: it may hold the account, and nobody else would find it. */
async function eraseAccount(means: EraseMeans, erased: Erased, isOver: () => boolean): Promise<boolean> {
  const { erasureId, subject } = erased;
  await deleteAuthUser(means, subject.id).catch(async (error: unknown) => {
    if (!(await eraseLateRows(means, erased))) throw error;
    await deleteAuthUser(means, subject.id);
  });
  const [left] = await means.sql`select id from auth.users where id = ${subject.id}`;
  if (left)
    throw ERRORS.PLATFORM_API_FAILED('the Auth server says that the user is deleted, and auth.users still has them');
  await eraseLateRows(means, erased);
  const row = await readErasure(means.sql, erasureId);
  if (!(await eraseFiles(means, { row: row!, subject }, isOver))) return false;
  await means.sql`
    update backup.erasure set auth_erased_at = pg_catalog.clock_timestamp()
    where erasure_id = ${erasureId} and auth_erased_at is null`;
  return true;
}

async function complete(means: EraseMeans, row: ErasureRow): Promise<ErasureCertificate> {
  const [times] = await means.sql<{ now: Date; until: Date }[]>`
    select pg_catalog.clock_timestamp() as now,
      ${row.rows_erased_at}::timestamptz + pg_catalog.make_interval(days => backup.setting_int('erased_data_days', 365)) as until`;
  const certificate = certificateOf(row, { completedAt: times!.now, backupsEndBy: times!.until });
  const text = JSON.stringify(certificate);
  const signer = await means.signer();
  const signature = signer ? base64(await signer.sign(new TextEncoder().encode(text))) : null;
  await means.sql`select backup.complete_erasure(${row.erasure_id}, ${text}, ${signature})`;
  return certificate;
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
