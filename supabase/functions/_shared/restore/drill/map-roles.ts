/**
 * Roles are the server's, not a database's: a drill on a project's own server makes and changes none. What a backup says
 * of a role that is gone is said of the drill's own role instead. Pure.
 */
import { quoteIdentifier } from '../../postgres/identifiers.ts';
import type { DumpEntry } from '../contracts.ts';
import { lexSql, type SqlToken } from '../sql-lexer.ts';

/** What stands before a role's name; after a comma comes one more of the same list. */
const BEFORE_ROLE = new Set(['TO', 'FROM', 'ROLE', 'AUTHORIZATION', 'USER']);
/** Entries that name roles besides their owner. */
const NAMING = new Set(['ACL', 'DEFAULT ACL', 'POLICY', 'PLATFORM']);

export function withoutMissingRoles(
  entries: readonly DumpEntry[],
  { missing, own }: { missing: ReadonlySet<string>; own: string },
): DumpEntry[] {
  if (missing.size === 0) return [...entries];
  return entries.map((entry) => {
    const names = NAMING.has(entry.type) || missing.has(entry.owner.replaceAll('"', ''));
    return names ? { ...entry, sql: mapped(entry.sql, { missing, own }) } : entry;
  });
}

function mapped(sql: string, { missing, own }: { missing: ReadonlySet<string>; own: string }): string {
  let expected = false;
  let inList = false;
  let text = '';
  for (const token of lexSql(sql)) {
    if (token.kind === 'space' || token.kind === 'comment') {
      text += token.text;
      continue;
    }
    const isRole = expected && missing.has(nameOf(token));
    text += isRole ? quoteIdentifier(own) : token.text;
    const before = token.kind === 'word' && BEFORE_ROLE.has(token.text.toUpperCase());
    inList =
      before || (expected && (token.kind === 'word' || token.kind === 'quoted')) || (inList && token.text === ',');
    expected = before || (inList && token.text === ',');
  }
  return text;
}

function nameOf({ kind, text }: SqlToken): string {
  return kind === 'quoted' ? text.slice(1, -1).replaceAll('""', '"') : text.toLowerCase();
}
