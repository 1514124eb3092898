/** Quoting by PostgreSQL's rules, always quoting: what needs no quotes today may be a keyword in the next major. */
import { ERRORS } from '../errors.ts';

function refuseZero(text: string): void {
  if (text.includes('\0')) throw ERRORS.QUERY_FAILED('a text for the database must not contain a zero byte');
}

/** `a"b` becomes `"a""b"`. */
export function quoteIdentifier(name: string): string {
  refuseZero(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant, right whatever standard_conforming_strings says. */
export function quoteLiteral(text: string): string {
  refuseZero(text);
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** `"schema"."name"`. */
export function qualifiedName(object: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(object.schema)}.${quoteIdentifier(object.name)}`;
}
