import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS } from '../errors.ts';
import type { DumpEntry, TargetFacts } from './contracts.ts';
import { isWord } from './entry-subject.ts';
import { codeTokens, identifierOf, type SqlToken } from './sql-lexer.ts';

const SHOWN_ENTRIES = 3;

/**
 * The platform's schemas are never made by a restore. What a backup of a Supabase project has in them (functions of an
 * extension, auth.uid(), foreign keys to auth.users) would fail in the middle. Throws RESTORE_TARGET_UNUSABLE.
 */
export function refuseMissingSchemas(
  entries: readonly DumpEntry[],
  { schema }: Pick<Manifest, 'schema'>,
  { schemas }: Pick<TargetFacts, 'schemas'>,
): void {
  const missing = new Set(schema.managed_schemas.filter((name) => !schemas.includes(name)));
  if (missing.size === 0) return;
  const named = new Set<string>();
  const naming = entries.filter((entry) => {
    const found = schemasIn(entry.sql, missing);
    for (const name of found) named.add(name);
    return found.length > 0;
  });
  if (naming.length === 0) return;
  // What has no heading of its own are extensions.
  const shown = naming
    .slice(0, SHOWN_ENTRIES)
    .map(({ type, name }) => (type === '' ? 'extensions' : `${type} ${name}`));
  const more = naming.length > shown.length ? ` and ${naming.length - shown.length} more` : '';
  throw ERRORS.RESTORE_TARGET_UNUSABLE(
    `the target lacks the platform's schemas ${[...named].sort().join(', ')}, which ${shown.join(', ')}${more} refer to`,
    {
      details: { schemas: [...named].sort() },
      hint: "Restore a Supabase project into a Supabase project; or make what is named there by hand, or tables with the backup's columns, and restore with --data-only.",
    },
  );
}

/** Those that qualify a name, or that something is put into. Strings, bodies of functions among them, are not looked into. */
function schemasIn(sql: string, missing: ReadonlySet<string>): string[] {
  const tokens = codeTokens(sql);
  return tokens.flatMap((token, index) => {
    const name = nameOf(token);
    if (name === null || !missing.has(name)) return [];
    const before = tokens[index - 1];
    const qualifies = tokens[index + 1]?.text === '.' && before?.text !== '.';
    return qualifies || isWord(before, 'SCHEMA') ? [name] : [];
  });
}

function nameOf(token: SqlToken): string | null {
  return token.kind === 'word' || token.kind === 'quoted' ? identifierOf(token) : null;
}
