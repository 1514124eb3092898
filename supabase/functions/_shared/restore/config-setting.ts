import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts';

/** Settings whose catalogue text is a list of names already quoted: as one constant it would be one strange name. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** `set "statement_timeout" to '8s'`, from what pg_db_role_setting has; for the end of ALTER ROLE and ALTER DATABASE. */
export function setClause(name: string, value: string): string {
  const values = LISTS.has(name.toLowerCase()) ? listElements(value) : [value];
  return `set ${quoteIdentifier(name)} to ${values.map(quoteLiteral).join(', ')}`;
}

function listElements(value: string): string[] {
  const elements: string[] = [];
  for (const [, quoted, bare] of value.matchAll(/"((?:[^"]|"")*)"|([^\s,"][^,]*)/g)) {
    elements.push(quoted === undefined ? bare!.trim() : quoted.replaceAll('""', '"'));
  }
  return elements.length === 0 ? [''] : elements;
}
