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
/** Class 22: the values are wrong, not the policy. */
const DATA_EXCEPTION = /^22/;
/** To find the rows that a policy stumbles over; what is left then counts as hidden. */
const MAX_QUESTIONS = 64;

/**
 * The session is in a transaction. A policy that cannot be evaluated at all is `failed`, with its SQLSTATE. One that
 * stumbles over values hides those rows, as it does from the API: whoever can write such values must not be able to
 * switch a policy off. Throws the session's other errors.
 */
export async function visibleRows<A extends Address>(
  session: PgSession,
  rows: readonly A[],
  question: VisibleQuestion,
): Promise<VisibleAnswer<A>> {
  const visible: A[] = [];
  const waiting: (readonly A[])[] = [rows];
  for (let asked = 0; waiting.length > 0 && asked < MAX_QUESTIONS; asked++) {
    const some = waiting.shift()!;
    const seen = await ask(session, some, question);
    if (seen instanceof Set) visible.push(...some.filter((row) => seen.has(nameOf(row))));
    else if (!DATA_EXCEPTION.test(seen)) return { failed: seen };
    else if (some.length > 1) {
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
  { from, subject, claims }: VisibleQuestion,
): Promise<Set<string> | string> {
  const statements = [
    'savepoint holdfast_user',
    becomeApiRole({ role: 'authenticated', subject: subject.id, claims }),
    `select t.tableoid, t.ctid from ${from} as t where t.ctid = any (${ctidArray(rows)})`,
    LEAVE,
  ];
  try {
    const found = await session.query(statements.join('; '));
    return new Set(found.map(([part, ctid]) => nameOf({ part: part!, ctid: ctid! })));
  } catch (error) {
    await session.query(LEAVE); // on a session that has ended this throws, and so it should
    if (!(error instanceof HoldfastError) || error.kind === 'transient') throw error;
    if (typeof error.details.sqlState !== 'string') throw error;
    return error.details.sqlState;
  }
}
