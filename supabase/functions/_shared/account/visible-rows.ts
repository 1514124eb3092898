/** Which of some rows a user could read through the API: their policies are asked with the user's own claims. */
import type { Subject } from '../domain/subject.ts';
import { HoldfastError } from '../errors.ts';
import { becomeApiRole } from '../postgres/become-api-role.ts';
import { quoteLiteral } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';

export interface Address {
  /** The oid of the table, or of the partition. */
  readonly part: string;
  readonly ctid: string;
}

export interface VisibleQuestion {
  /** As it stands after `from`. */
  readonly from: string;
  readonly subject: Subject;
  readonly claims?: Readonly<Record<string, unknown>>;
}

export type VisibleAnswer<A> = { readonly visible: readonly A[] } | { readonly failed: string };

const LEAVE = 'rollback to savepoint holdfast_user; release savepoint holdfast_user';
/** Class 42: the statement is wrong. Anything else depends on values: too many rows of a subquery, a RAISE, a limit. */
const DEFINITION_ERROR = /^42/;
/** To find the rows that a policy stumbles over; what is left then counts as hidden. */
const MAX_QUESTIONS = 64;

/**
 * The session is in a transaction. Policies that cannot even be planned are `failed`, with their SQLSTATE. One that
 * stumbles in any other way hides the rows that it stumbles over, as it does from the API: whoever can write what it
 * stumbles over must not be able to switch a policy off. Throws the session's other errors.
 */
export async function visibleRows<A extends Address>(
  session: PgSession,
  rows: readonly A[],
  question: VisibleQuestion,
): Promise<VisibleAnswer<A>> {
  const visible: A[] = [];
  const waiting: (readonly A[])[] = [rows];
  let planned = false;
  for (let asked = 0; waiting.length > 0 && asked < MAX_QUESTIONS; asked++) {
    const some = waiting.shift()!;
    const seen = await ask(session, some, question);
    if (seen instanceof Set) {
      visible.push(...some.filter((row) => seen.has(nameOf(row))));
      continue;
    }
    if (!planned && DEFINITION_ERROR.test(seen)) {
      const failed = await planError(session, question);
      if (failed !== null) return { failed };
      planned = true;
    }
    if (some.length > 1) {
      const half = Math.ceil(some.length / 2);
      waiting.push(some.slice(0, half), some.slice(half));
    }
  }
  const kept = new Set(visible);
  return { visible: rows.filter((row) => kept.has(row)) };
}

/** Of a row among those of all partitions. */
export function nameOf({ part, ctid }: Address): string {
  return `${part} ${ctid}`;
}

/** The addresses as an array of PostgreSQL, for `ctid = any (…)`; partitions may repeat them. */
export function ctidArray(rows: readonly Address[]): string {
  const addresses = [...new Set(rows.map(({ ctid }) => `"${ctid}"`))].join(',');
  return `${quoteLiteral(`{${addresses}}`)}::pg_catalog.tid[]`;
}

/** The names of the rows that are there for the user, or the SQLSTATE of the failure. */
async function ask(
  session: PgSession,
  rows: readonly Address[],
  question: VisibleQuestion,
): Promise<Set<string> | string> {
  const found = await asUser(session, `${select(question)} where t.ctid = any (${ctidArray(rows)})`, question);
  if (typeof found === 'string') return found;
  return new Set(found.map(([part, ctid]) => nameOf({ part: part!, ctid: ctid! })));
}

/** A function may raise what it likes, class 42 too, when it runs: only what fails without running is the definition's. */
async function planError(session: PgSession, question: VisibleQuestion): Promise<string | null> {
  const plan = await asUser(session, `explain ${select(question)}`, question);
  return typeof plan === 'string' && DEFINITION_ERROR.test(plan) ? plan : null;
}

function select({ from }: VisibleQuestion): string {
  return `select t.tableoid, t.ctid from ${from} as t`;
}

/** The rows of a statement that the user's own role runs, or the SQLSTATE of its failure. */
async function asUser(
  session: PgSession,
  statement: string,
  { subject, claims }: VisibleQuestion,
): Promise<(string | null)[][] | string> {
  const role = becomeApiRole({ role: 'authenticated', subject: subject.id, claims });
  try {
    return await session.query(['savepoint holdfast_user', role, statement, LEAVE].join('; '));
  } catch (error) {
    await session.query(LEAVE); // on a session that has ended this throws, and so it should
    if (!(error instanceof HoldfastError) || error.kind === 'transient') throw error;
    if (typeof error.details.sqlState !== 'string') throw error;
    return error.details.sqlState;
  }
}
