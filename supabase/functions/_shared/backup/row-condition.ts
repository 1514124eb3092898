import type { RowFilter } from '../domain/backup-request.ts';
import { isFilterOn } from '../domain/choose-tables.ts';
import type { Table } from '../postgres/catalog-types.ts';
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';

/** The filters on one table as a condition for its COPY, or undefined. Values are quoted; the server types them by the column. */
export function rowCondition(table: Table, filters: readonly RowFilter[]): string | undefined {
  const mine = filters.filter((filter) => isFilterOn(filter, table));
  if (mine.length === 0) return undefined;
  return mine
    .map(({ column, operator, value }) => `${quoteIdentifier(column)} ${operator} ${quoteLiteral(value)}`)
    .join(' and ');
}
