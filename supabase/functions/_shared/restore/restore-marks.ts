/**
 * What a restore has done so far, kept in the target itself: each step writes its mark in the transaction of its work, so
 * a mark says exactly that the work is there. The schema is removed with the last step.
 */
import { ERRORS } from '../errors.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import type { RestorePlan } from './contracts.ts';

/** Where the marks are; no schema of the target's owner, and never restored. */
export const MARKS_SCHEMA = 'holdfast_restore';
/** Roles are the server's, and made only where they are missing: this step may be done again. */
export const ROLES_STEP = 'roles';

const CREATE_SQL = `
  create schema holdfast_restore;
  comment on schema holdfast_restore is 'Holdfast: a restore in progress; removed when it ends';
  create table holdfast_restore.restore (backup_id text not null, plan text not null, options text not null, started_at timestamptz not null default now());
  create table holdfast_restore.mark (step text primary key, rows bigint not null default 0);`;

export interface RestoreMarks {
  done(step: string): boolean;
  /** Rows that the step brought in; 0 for others. */
  rows(step: string): number;
  /** True while nothing has come into the database. */
  isIdle(): boolean;
  /** SQL for the end of the step's own transaction. */
  markSql(step: string, rows?: number): string;
  /** After the transaction that held it was committed. */
  noted(step: string, rows?: number): void;
  remove(): Promise<void>;
}

/** A restore that did not end. */
interface Unfinished {
  readonly backupId: string;
  readonly plan: RestorePlan;
  readonly options: string;
}

/** Null also for a restore that failed before it brought anything in: then its plan binds nobody. */
async function unfinishedRestore(session: PgSession): Promise<Unfinished | null> {
  const [found] = await session.query("select to_regclass('holdfast_restore.restore') is not null");
  if (found?.[0] !== 't') return null;
  const [row] = await session.query(`select backup_id, plan, options from holdfast_restore.restore
    where exists (select from holdfast_restore.mark where step <> ${quoteLiteral(ROLES_STEP)})`);
  return row ? { backupId: row[0]!, plan: JSON.parse(row[1]!) as RestorePlan, options: row[2]! } : null;
}

const TO_GIVE_UP = `To give it up, run "drop schema ${MARKS_SCHEMA} cascade" in the target: what it brought in stays there.`;

/**
 * The plan that the first attempt made, or null where no restore is unfinished. `options`: what must be the same, as text.
 * Throws RESTORE_CONFLICT when it was of another backup, or had other options.
 */
export async function unfinishedPlan(
  session: PgSession,
  { backupId, options }: { backupId: string; options: string },
): Promise<RestorePlan | null> {
  const unfinished = await unfinishedRestore(session);
  if (unfinished === null) return null;
  if (unfinished.backupId !== backupId) {
    throw ERRORS.RESTORE_CONFLICT(
      `the restore of another backup (${unfinished.backupId}) was begun in this target and did not end`,
      { hint: `Run that restore again to its end, or restore into an empty database. ${TO_GIVE_UP}` },
    );
  }
  if (unfinished.options !== options) {
    throw ERRORS.RESTORE_CONFLICT('the restore that was begun in this target had other options', {
      hint: `Give the options of the first attempt to go on with it. ${TO_GIVE_UP}`,
    });
  }
  return unfinished.plan;
}

/** Begins a restore, or goes on with the one that unfinishedPlan() found. */
export async function openMarks(
  session: PgSession,
  { plan, options }: { plan: RestorePlan; options: string },
): Promise<RestoreMarks> {
  const begun = await unfinishedPlan(session, { backupId: plan.backupId, options });
  if (begun === null) await begin(session, { plan, options });
  const marks = new Map(
    (await session.query('select step, rows from holdfast_restore.mark')).map(([step, rows]) => [step!, Number(rows)]),
  );
  return {
    done: (step) => marks.has(step),
    rows: (step) => marks.get(step) ?? 0,
    isIdle: () => [...marks.keys()].every((step) => step === ROLES_STEP),
    markSql: (step, rows = 0) =>
      `insert into holdfast_restore.mark values (${quoteLiteral(step)}, ${Math.trunc(rows)})
       on conflict (step) do update set rows = excluded.rows`,
    noted: (step, rows = 0) => void marks.set(step, rows),
    remove: async () => void (await session.query('drop schema if exists holdfast_restore cascade')),
  };
}

async function begin(session: PgSession, { plan, options }: { plan: RestorePlan; options: string }): Promise<void> {
  // What is there was left by a restore that brought nothing in.
  await session.query(`begin; drop schema if exists holdfast_restore cascade; ${CREATE_SQL}
    insert into holdfast_restore.restore values (${quoteLiteral(plan.backupId)}, ${quoteLiteral(JSON.stringify(plan))}, ${quoteLiteral(options)});
    commit`);
}

/** The server takes a moment to see that a process which was killed has gone. */
const LOCK_ATTEMPTS = 20;
const LOCK_PAUSE_MS = 250;

/** Throws RESTORE_CONFLICT while another process restores into the same database. */
export async function lockTarget(session: PgSession): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const [row] = await session.query("select pg_try_advisory_lock(hashtext('holdfast restore'), 0)");
    if (row?.[0] === 't') return;
    if (attempt < LOCK_ATTEMPTS) {
      await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
      continue;
    }
    throw ERRORS.RESTORE_CONFLICT('another restore is working in this database now', {
      hint: 'Wait for it to end, or stop it; then run this command again.',
    });
  }
}
