/** Builds the COPY statement of one slice; its rows are what a restore's `copy … from stdin` takes. */
import type { Column, SliceRange, Table } from './catalog-types.ts';
import { qualifiedName, quoteIdentifier } from './identifiers.ts';
import { jsonColumn } from './json-select.ts';
import { tidCondition } from './tid-condition.ts';

export interface CopyStatementOptions {
  readonly format: 'copy' | 'json' | 'csv';
  /** A condition that was checked elsewhere; the only text that is not quoted here. */
  readonly where?: string;
  /** Names of the columns wanted; default all. Generated columns are left out in any case. */
  readonly columns?: readonly string[];
}

/** The columns that a copy of the table carries, in order. */
export function copiedColumns(table: Table, wanted?: readonly string[]): Column[] {
  return table.columns.filter((column) => !column.generated && (wanted?.includes(column.name) ?? true));
}

/**
 * copy: text format. csv: RFC 4180, with a header line (which is a row of the stream: see CopyOptions.headerRows).
 * json: a binary COPY of one json column, for `framing: 'json'`. A table without columns works in all three.
 */
export function copyStatement(table: Table, range: SliceRange, options: CopyStatementOptions): string {
  const columns = copiedColumns(table, options.columns);
  const conditions = [tidCondition(range), table.configCondition, options.where]
    .filter((text) => text && text !== 'true')
    .map((text) => `(${text})`);
  const rest = `from only ${qualifiedName(table)}${conditions.length > 0 ? ` where ${conditions.join(' and ')}` : ''}`;
  if (options.format === 'json') {
    const list = columns.map(jsonColumn).join(', ');
    return `copy (select pg_catalog.row_to_json(r) from (select ${list} ${rest}) r) to stdout (format binary)`;
  }
  const list = columns.map((column) => quoteIdentifier(column.name)).join(', ');
  return `copy (select ${list} ${rest}) to stdout${options.format === 'csv' ? ' (format csv, header true)' : ''}`;
}
