/** Rules for what a shared row says of the others in it. */
import { isSecretColumn } from '../secret-columns.ts';
import { isAttributeOf } from './name-evidence.ts';
import type { ColumnProposal } from './proposal.ts';
import type { GraphTable } from './subject-graph.ts';

/**
 * `people`: the columns that name users, at least two for a shared row. `owner`: the one that makes a row somebody's, where
 * only one does: it never names another. Pure.
 */
export function proposeColumns(table: GraphTable, people: readonly string[], owner: string | null): ColumnProposal[] {
  if (people.length < 2) return [];
  const others = people.filter((column) => column !== owner);
  const proposals: ColumnProposal[] = others.map((column) => ({
    column,
    rule: 'hash',
    unlessOwn: column,
    reason: 'names a user, who may be another one',
  }));
  for (const column of table.columns) {
    const person = others.find((name) => isAttributeOf(column.name, name));
    const secret = isSecretColumn({ ...column, schema: table.schema, table: table.table });
    if (person === undefined || secret || people.includes(column.name)) continue;
    const reason = `says something of the person in ${person}`;
    proposals.push({ column: column.name, rule: 'redact', unlessOwn: person, reason });
  }
  return proposals;
}
