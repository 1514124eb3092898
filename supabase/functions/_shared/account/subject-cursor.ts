/** Where a reading of a table goes on: after which row, by the key that orders them. */
import { ERRORS } from '../errors.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';
import type { SourceFacts } from './describe-source.ts';

/** JSON; kept between the slices of a job. */
export interface SubjectCursor {
  /** The key's columns; empty: by address (the oid of the partition, then ctid). */
  readonly by: readonly string[];
  /** The last row's values, as PostgreSQL writes them. */
  readonly after: readonly string[];
}

/** The expressions that rows are ordered by. */
export function orderOf(facts: SourceFacts, alias: string): string[] {
  const row = quoteIdentifier(alias);
  if (facts.key.length > 0) return facts.key.map((column) => `${row}.${quoteIdentifier(column)}`);
  return facts.partitioned ? [`${row}.tableoid`, `${row}.ctid`] : [`${row}.ctid`];
}

/** A condition for the rows after the cursor. Throws SUBJECT_CURSOR_INVALID when the table's key is another now. */
export function afterCursor(cursor: SubjectCursor, facts: SourceFacts, alias: string): string {
  const order = orderOf(facts, alias);
  const same = cursor.by.length === facts.key.length && cursor.by.every((column, index) => column === facts.key[index]);
  if (!same || cursor.after.length !== order.length) {
    throw ERRORS.SUBJECT_CURSOR_INVALID(
      `a reading ordered by (${cursor.by.join(', ')}) cannot go on by (${facts.key.join(', ')})`,
    );
  }
  return `(${order.join(', ')}) > (${cursor.after.map(quoteLiteral).join(', ')})`;
}
