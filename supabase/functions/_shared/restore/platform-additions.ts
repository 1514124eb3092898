/**
 * What a backup of a Supabase project adds to pg_dump's text: `do` blocks that create what the target does not have
 * (postgres/read-managed-extras.ts, postgres/drop-platform-entries.ts). Pure.
 */
import type { DumpEntry } from './contracts.ts';
import { codeTokens, lexSql, type SqlToken } from './sql-lexer.ts';

export const PLATFORM_ENTRY = { name: 'supabase_realtime', type: 'PLATFORM', schema: '', owner: '' } as const;
/** How the block begins that makes sure of the publication supabase_realtime; it has no heading. */
export const REALTIME_BLOCK = 'do $$ begin\n  if not exists (select from pg_catalog.pg_publication';

/** One entry for each `do` of the text behind pg_dump's last line. */
export function splitAdditions(text: string): DumpEntry[] {
  const entries: DumpEntry[] = [];
  let sql = '';
  for (const token of lexSql(text)) {
    if (token.kind === 'comment') continue;
    sql += token.text;
    if (token.text !== ';') continue;
    const statement = additionStatement(sql);
    const name = statement === null ? 'an addition' : statement.slice(0, statement.indexOf(' ON ')).trim();
    entries.push({ ...PLATFORM_ENTRY, name, sql: `${sql.trim()}\n` });
    sql = '';
  }
  return entries;
}

/** The statement that such a block executes; null for other SQL. */
export function additionStatement(sql: string): string | null {
  const [word, body] = codeTokens(sql);
  if (word?.text !== 'do' || body?.kind !== 'string') return null;
  const inner = codeTokens(textOf(body));
  const at = inner.findIndex(({ text }) => text === 'execute');
  const literal = inner[at + 1];
  return at >= 0 && literal?.kind === 'string' ? textOf(literal) : null;
}

/** What a literal of quoteLiteral() stands for. */
function textOf({ text }: SqlToken): string {
  if (text.startsWith('$')) return text.slice(text.indexOf('$', 1) + 1, text.lastIndexOf('$', text.length - 2));
  const escaped = /^e/i.test(text);
  const inner = text.slice(escaped ? 2 : 1, -1).replaceAll("''", "'");
  return escaped ? inner.replaceAll('\\\\', '\\') : inner;
}
