/** Moves the DDL of one schema to another name. Pure. */
import { isWord, nameAfter } from './entry-subject.ts';
import { codeTokens, identifierOf, lexSql, type SqlToken } from './sql-lexer.ts';
import { namePattern } from './sql-names.ts';

/** What a name follows that is of a relation, a type or a function, never of a column. */
const BEFORE_OBJECT = new Set([
  ...['FROM', 'JOIN', 'ONLY', 'TABLE', 'INTO', 'UPDATE', 'ON', 'REFERENCES', 'FUNCTION', 'PROCEDURE', 'VIEW', 'TYPE'],
  ...['DOMAIN', 'SEQUENCE', 'INDEX', 'NAME', 'TO', 'PARTITION', 'TRIGGER', 'INHERITS', 'OPERATOR', 'OF', 'RETURNS'],
  ...['AGGREGATE', 'COLLATE', 'STATISTICS', 'POLICY', 'CLASS', 'FAMILY', 'COLUMN', 'CONFIGURATION', 'DICTIONARY'],
]);
const HEADING_SCHEMA = /^(-- .*; Type: [A-Z_ ]+; Schema: )(.*)(; Owner: .*)$/s;

export interface SchemaRename {
  readonly from: string;
  readonly to: string;
  /** The names in it that move; the others are where they were. Null: all of them move. */
  readonly names: ReadonlySet<string> | null;
}

/**
 * Renames `from` where it qualifies a name or is what SCHEMA names, in headings, and in the texts that pg_dump writes for
 * regclass (`nextval('public.seq'::regclass)`, `setval('public.seq', …)`). Strings, function bodies and comments stay.
 */
export function renameSchema(sql: string, { from, to, names }: SchemaRename): string {
  const all = [...lexSql(sql)];
  const code = all.filter(({ kind }) => kind !== 'space' && kind !== 'comment');
  const target = `"${to.replaceAll('"', '""')}"`;
  const rename = new Map<number, string>();
  const clash = namesARelation(code, from);
  for (const [index, token] of code.entries()) {
    if (isSchema(code, index, { from, clash, names })) rename.set(token.start, target);
    else if (token.kind === 'string' && isRelationText(code, index))
      rename.set(token.start, renamedText(token.text, { from, target, names }));
  }
  return all
    .map((token) => {
      if (token.kind !== 'comment') return rename.get(token.start) ?? token.text;
      const [, before, schema, after] = HEADING_SCHEMA.exec(token.text) ?? [];
      return schema === from.replace(/[\n\r]/g, ' ') ? `${before}${to.replace(/[\n\r]/g, ' ')}${after}` : token.text;
    })
    .join('');
}

/** Functions whose body or search_path, which stay as they are, names the schema; as the dump writes their names. */
export function bodiesThatName(sql: string, schema: string): string[] {
  const tokens = codeTokens(sql);
  if (
    !isWord(tokens[0], 'CREATE') ||
    !tokens.slice(1, 4).some((token) => isWord(token, 'FUNCTION') || isWord(token, 'PROCEDURE'))
  )
    return [];
  const plain = schema.replace(/[^\w]/g, '\\$&');
  const quoted = `"${schema.replaceAll('"', '""').replace(/[^\w]/g, '\\$&')}"`;
  const mention = new RegExp(`(?<![\\w$"])(?:${plain}|${quoted})\\s*\\.`, 'i');
  const named = tokens.some(({ kind, text }, index) => {
    if (kind !== 'string') return false;
    return mention.test(text) || (text === `'${schema.replaceAll("'", "''")}'` && inSearchPath(tokens, index));
  });
  return named ? [nameAfter(tokens, ['FUNCTION', 'PROCEDURE']).join('.')] : [];
}

/** `SET "search_path" TO 'a', 'b'`. */
function inSearchPath(tokens: readonly SqlToken[], index: number): boolean {
  let at = index - 1;
  while (tokens[at]?.text === ',' || tokens[at]?.kind === 'string') at--;
  const setting = tokens[at - 1];
  return isWord(tokens[at], 'TO') && setting !== undefined && identifierOf(setting) === 'search_path';
}

/**
 * Does a query name a table or an alias of the schema's name? Then `name.x` may be a column. Elsewhere pg_dump qualifies no
 * columns. PUBLIC without quotes is everybody, not the schema.
 */
function namesARelation(code: readonly SqlToken[], from: string): boolean {
  if (!code.some((token) => isWord(token, 'SELECT') || isWord(token, 'UPDATE') || isWord(token, 'DELETE')))
    return false;
  return code.some(
    (token, index) =>
      isName(token) &&
      identifierOf(token) === from &&
      !isWord(token, 'PUBLIC') &&
      code[index + 1]?.text !== '.' &&
      !isWord(code[index - 1], 'SCHEMA'),
  );
}

function isSchema(
  code: readonly SqlToken[],
  index: number,
  { from, clash, names }: { from: string; clash: boolean; names: SchemaRename['names'] },
): boolean {
  const token = code[index]!;
  if (!isName(token) || identifierOf(token) !== from) return false;
  const before = code[index - 1];
  if (code[index + 1]?.text !== '.') return isWord(before, 'SCHEMA');
  if (before?.text === '.' || !(names?.has(nameOf(code[index + 2])) ?? true)) return false;
  return !clash || isSurelyQualifier(code, index);
}

/** Between `schema.relation` and `relation.column`, what stands around them decides. */
function isSurelyQualifier(code: readonly SqlToken[], index: number): boolean {
  const before = code[index - 1];
  const after = code[index + 3]?.text;
  if (after === '.' || after === '(') return true;
  if (before?.kind === 'word' && BEFORE_OBJECT.has(before.text.toUpperCase())) return true;
  // A cast, or a type behind the name of an argument.
  if (before?.text === ':' || before?.kind === 'quoted') return true;
  // FROM ((a.b JOIN …: parentheses around the first table of a join.
  let at = index - 1;
  while (code[at]?.text === '(') at--;
  return at < index - 1 && (isWord(code[at], 'FROM') || isWord(code[at], 'JOIN') || isWord(code[at], 'INHERITS'));
}

const isName = ({ kind }: SqlToken) => kind === 'word' || kind === 'quoted';

function isRelationText(code: readonly SqlToken[], index: number): boolean {
  const cast = code[index + 1]?.text === ':' && code[index + 2]?.text === ':' && nameOf(code[index + 3]) === 'regclass';
  return cast || (code[index - 1]?.text === '(' && nameOf(code[index - 2]) === 'setval');
}

const nameOf = (token: SqlToken | undefined) => (token && isName(token) ? identifierOf(token) : '');

function renamedText(
  text: string,
  { from, target, names }: { from: string; target: string; names: SchemaRename['names'] },
): string {
  const [, rest] = new RegExp(`^'${namePattern(from.replaceAll("'", "''"))}(\\..*)$`, 's').exec(text) ?? [];
  if (!rest) return text;
  const [name] = codeTokens(rest.slice(1, -1).replaceAll("''", "'"));
  return names?.has(nameOf(name)) === false ? text : `'${target.replaceAll("'", "''")}${rest}`;
}
