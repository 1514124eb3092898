/** How long a row's text will be, from what PostgreSQL knows without writing it out. */
import { quoteIdentifier } from '../postgres/identifiers.ts';
import type { SourceColumn } from './describe-source.ts';

const TEXT = /^(text|character|character varying|bpchar)(\(|$)/;

/**
 * An expression of type int8 about the row that `alias` names (unquoted). Stored sizes would not do: a megabyte of spaces
 * is stored in a few kilobytes. Of texts and bytes the length is read without the value; only what else is compressed,
 * such as a large jsonb, is written out.
 */
export function rowBytes(columns: readonly SourceColumn[], alias: string): string {
  const row = quoteIdentifier(alias);
  const sizes = columns.map(({ name, type }) => {
    const value = `${row}.${quoteIdentifier(name)}`;
    if (TEXT.test(type)) return `coalesce(pg_catalog.octet_length(${value}), 0)`;
    if (type === 'bytea') return `coalesce(pg_catalog.octet_length(${value}), 0) * 2::pg_catalog.int8`;
    return `case when ${value} is null then 0
      when pg_catalog.pg_column_compression(${value}) is null then pg_catalog.pg_column_size(${value})
      else pg_catalog.octet_length(${value}::pg_catalog.text) end`;
  });
  return ['0::pg_catalog.int8', ...sizes].join(' + ');
}
