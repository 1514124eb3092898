/** Just enough of PostgreSQL's lexical rules (manual, section 4.1) to know what of a dump is code and what is quoted. Pure. */

export interface SqlToken {
  readonly kind: 'space' | 'comment' | 'word' | 'quoted' | 'string' | 'number' | 'other';
  readonly text: string;
  readonly start: number;
}

const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n]*\n?/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const QUOTED = /"(?:[^"]|"")*"?/y;
const STRING = /'(?:[^']|'')*'?/y;
const ESCAPED_STRING = /'(?:[^'\\]|''|\\.)*'?/sy;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]*)?\$/y;
const NUMBER = /\d[\w.]*/y;

/** The tokens, which together are the text again. What is left open ends with the text. */
export function* lexSql(text: string): Generator<SqlToken> {
  for (let at = 0; at < text.length; ) {
    const [kind, end] = tokenAt(text, at);
    yield { kind, text: text.slice(at, end), start: at };
    at = end;
  }
}

function tokenAt(text: string, at: number): [SqlToken['kind'], number] {
  const end = (pattern: RegExp, from = at) => {
    pattern.lastIndex = from;
    return pattern.test(text) ? pattern.lastIndex : -1;
  };
  const char = text[at]!;
  let found = end(SPACE);
  if (found > 0) return ['space', found];
  if (text.startsWith('--', at)) return ['comment', end(LINE_COMMENT)];
  if (text.startsWith('/*', at)) return ['comment', blockCommentEnd(text, at)];
  if (char === "'") return ['string', end(STRING)];
  if (char === '"') return ['quoted', end(QUOTED)];
  if (char === '$') {
    found = end(DOLLAR);
    if (found > 0) return ['string', dollarEnd(text, at, found)];
  }
  found = end(WORD);
  if (found > 0) {
    const prefix = text.slice(at, found).toLowerCase();
    if (text[found] === "'" && prefix === 'e') return ['string', end(ESCAPED_STRING, found)];
    if (text[found] === "'" && ['b', 'x', 'n'].includes(prefix)) return ['string', end(STRING, found)];
    return ['word', found];
  }
  found = end(NUMBER);
  return found > 0 ? ['number', found] : ['other', at + (text.codePointAt(at)! > 0xffff ? 2 : 1)];
}

/** Block comments nest. */
function blockCommentEnd(text: string, at: number): number {
  let depth = 0;
  for (let position = at; position < text.length; ) {
    if (text.startsWith('/*', position)) depth++;
    else if (text.startsWith('*/', position)) depth--;
    else {
      position++;
      continue;
    }
    position += 2;
    if (depth === 0) return position;
  }
  return text.length;
}

function dollarEnd(text: string, at: number, bodyAt: number): number {
  const tag = text.slice(at, bodyAt);
  const close = text.indexOf(tag, bodyAt);
  return close < 0 ? text.length : close + tag.length;
}

/** The name that an identifier token means: folded, or without its quotes. */
export function identifierOf(token: SqlToken): string {
  return token.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : token.text.toLowerCase();
}
