import {
  FILTER_OPERATORS,
  type FilterOperator,
  type RowFilter,
} from '../../supabase/functions/_shared/domain/backup-request.ts';

const NAME = String.raw`(?:"(?:[^"]|"")+"|[^\s."<>=!]+)`;
const SHAPE = new RegExp(String.raw`^\s*((?:${NAME}\.)?${NAME})\.(${NAME})\s*(<=|>=|<>|!=|=|<|>)\s*(.*?)\s*$`, 'su');

/**
 * `table.column>=value` or `schema.table.column>=value` as a filter, or null when it is none. Names with dots or
 * spaces stand in double quotes; a value may stand in single quotes. Never SQL: the value is quoted where it is used.
 */
export function parseWhere(text: string): RowFilter | null {
  const [, table, column, operator, value] = SHAPE.exec(text) ?? [];
  if (table === undefined || column === undefined || operator === undefined || value === undefined) return null;
  const known = operator === '!=' ? '<>' : FILTER_OPERATORS.find((one) => one === operator);
  return { table, column: unquoteName(column), operator: known as FilterOperator, value: unquoteValue(value) };
}

function unquoteName(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function unquoteValue(value: string): string {
  const quoted = /^'((?:[^']|'')*)'$/su.exec(value)?.[1];
  return quoted === undefined ? value : quoted.replaceAll("''", "'");
}
