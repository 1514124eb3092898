/** Moves the DDL of one schema to another name. Pure. */
import { identifierOf, lexSql, type SqlToken } from './sql-lexer.ts';
import { namePattern } from './sql-names.ts';

/**
 * Renames `from` where it qualifies a name or is what SCHEMA names, and in the texts that pg_dump writes for regclass
 * (`nextval('public.seq'::regclass)`, `setval('public.seq', …)`). Strings, function bodies and comments stay.
 */
export function renameSchema(sql: string, from: string, to: string): string {
  const tokens = [...lexSql(sql)];
  const target = `"${to.replaceAll('"', '""')}"`;
  return tokens
    .map((token, index) => {
      if (token.kind === 'word' || token.kind === 'quoted') return isSchema(tokens, index, from) ? target : token.text;
      return token.kind === 'string' && isRelationText(tokens, index)
        ? renamedText(token.text, from, target)
        : token.text;
    })
    .join('');
}

/** Functions whose body, which stays as it is, names the schema. */
export function bodiesThatName(sql: string, schema: string): string[] {
  const [, name] = /CREATE (?:FUNCTION|PROCEDURE) ((?:"(?:[^"]|"")*"|[^\s("]+)+)\(/.exec(sql) ?? [];
  if (!name) return [];
  const mention = new RegExp(
    `(?<![\\w$"])(?:${schema.replace(/[^\w]/g, '\\$&')}|"${schema.replace(/[^\w]/g, '\\$&')}")\\.`,
  );
  return [...lexSql(sql)].some(({ kind, text }) => kind === 'string' && mention.test(text)) ? [name] : [];
}

function isSchema(tokens: readonly SqlToken[], index: number, from: string): boolean {
  if (identifierOf(tokens[index]!) !== from) return false;
  const before = previous(tokens, index);
  if (tokens[index + 1]?.text === '.') return before?.text !== '.';
  return before?.kind === 'word' && before.text.toUpperCase() === 'SCHEMA';
}

function isRelationText(tokens: readonly SqlToken[], index: number): boolean {
  const cast =
    tokens[index + 1]?.text === ':' && tokens[index + 2]?.text === ':' && nameOf(tokens[index + 3]) === 'regclass';
  if (cast) return true;
  const open = previous(tokens, index);
  return open?.text === '(' && nameOf(tokens[tokens.indexOf(open) - 1]) === 'setval';
}

const nameOf = (token: SqlToken | undefined) => (token ? identifierOf(token) : '');

function renamedText(text: string, from: string, target: string): string {
  const [, rest] = new RegExp(`^'${namePattern(from.replaceAll("'", "''"))}(\\..*)$`, 's').exec(text) ?? [];
  return rest ? `'${target.replaceAll("'", "''")}${rest}` : text;
}

function previous(tokens: readonly SqlToken[], index: number): SqlToken | undefined {
  for (let at = index - 1; at >= 0; at--)
    if (tokens[at]!.kind !== 'space' && tokens[at]!.kind !== 'comment') return tokens[at];
  return undefined;
}
