import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.ts';

interface Blocker {
  readonly schema: string;
  readonly table: string;
  readonly constraint: string;
  readonly because: string;
}

/** What an owner runs to remove what stands in the way of an erasure: one statement per constraint, ready to copy. */
export function blockedHint(blockers: readonly Blocker[]): string {
  const statements = blockers.map((one) => `${heading(one)} ${statement(one)}`);
  return `Nothing was erased. Decide for each what becomes of the referring rows, run it, and plan again: ${statements.join(' ')}`;
}

const heading = ({ schema, table, constraint }: Blocker) => `(${constraint} of ${schema}.${table})`;

function statement({ schema, table, constraint, because }: Blocker): string {
  if (because.startsWith('it would delete rows'))
    return `Make the constraint "on delete set null", or let the rows be deleted: update backup.subject_source set erase = 'delete', keep_reason = null, keep_for = null where schema_name = ${quoteLiteral(schema)} and table_name = ${quoteLiteral(table)};`;
  // The server writes the definition, so that columns and the parent's name are right.
  return `select format('alter table %s drop constraint %I, add constraint %2$I %s on delete set null;', conrelid::regclass, conname, regexp_replace(pg_get_constraintdef(oid), ' (ON DELETE|DEFERRABLE|NOT VALID).*$', '')) from pg_constraint where conname = ${quoteLiteral(constraint)} and conrelid = ${quoteLiteral(`${quoteIdentifier(schema)}.${quoteIdentifier(table)}`)}::regclass \\gexec (in psql; "on delete cascade" instead deletes the rows with the account; a column that must not be null needs "alter column … drop not null" first).`;
}
