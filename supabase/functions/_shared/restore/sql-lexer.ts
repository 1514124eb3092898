/** PostgreSQL's lexical rules (manual, section 4.1), as far as needed to tell code from what is quoted. Pure. */

export interface SqlToken {
  readonly kind: 'space' | 'comment' | 'word' | 'quoted' | 'string' | 'number' | 'other';
  readonly text: string;
  readonly start: number;
}

const SPACE = /[ \t\n\r\f\v]+/y;
const LINE_COMMENT = /--[^\n]*\n?/y;
const WORD = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
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

/** Without space and comments. */
export function codeTokens(text: string): SqlToken[] {
  return [...lexSql(text)].filter(({ kind }) => kind !== 'space' && kind !== 'comment');
}

function tokenAt(text: string, at: number): [SqlToken['kind'], number] {
  const char = text[at]!;
  const space = endOf(SPACE, text, at);
  if (space > 0) return ['space', space];
  if (text.startsWith('--', at)) return ['comment', endOf(LINE_COMMENT, text, at)];
  if (text.startsWith('/*', at)) return ['comment', blockCommentEnd(text, at)];
  if (char === "'") return ['string', quoteEnd(text, at)];
  if (char === '"') return ['quoted', quoteEnd(text, at)];
  const dollar = char === '$' ? endOf(DOLLAR, text, at) : -1;
  if (dollar > 0) return ['string', dollarEnd(text, at, dollar)];
  const word = endOf(WORD, text, at);
  if (word > 0) return prefixed(text, at, word) ?? ['word', word];
  const number = endOf(NUMBER, text, at);
  return number > 0 ? ['number', number] : ['other', at + (text.codePointAt(at)! > 0xffff ? 2 : 1)];
}

/** What a letter in front of a quote makes of it: E'', B'', X'', N'', U&'', U&"". */
function prefixed(text: string, at: number, wordEnd: number): [SqlToken['kind'], number] | null {
  const word = text.slice(at, wordEnd).toLowerCase();
  if (text[wordEnd] === "'") {
    if (word === 'e') return ['string', escapedEnd(text, wordEnd)];
    if (['b', 'x', 'n'].includes(word)) return ['string', quoteEnd(text, wordEnd)];
  }
  if (word !== 'u' || text[wordEnd] !== '&') return null;
  if (text[wordEnd + 1] === "'") return ['string', quoteEnd(text, wordEnd + 1)];
  return text[wordEnd + 1] === '"' ? ['quoted', quoteEnd(text, wordEnd + 1)] : null;
}

/** Behind the quote that closes the one at `from`; two in a row are one in the text. No pattern: a string may be large. */
function quoteEnd(text: string, from: number): number {
  const quote = text[from]!;
  for (let at = from + 1; ; at += 2) {
    at = text.indexOf(quote, at);
    if (at < 0) return text.length;
    if (text[at + 1] !== quote) return at + 1;
  }
}

/** The same where a backslash takes the next character with it. */
function escapedEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === "'") {
      if (text[at + 1] !== "'") return at + 1;
      at++;
    }
  }
  return text.length;
}

function endOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : -1;
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

/** The name that an identifier token means: folded (ASCII alone, as in a UTF-8 database), or without its quotes. */
export function identifierOf({ kind, text }: SqlToken): string {
  if (kind !== 'quoted') return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const unicode = !text.startsWith('"');
  const name = text.slice(unicode ? 3 : 1, -1).replaceAll('""', '"');
  return unicode ? unescaped(name) : name;
}

/** `\0441`, `\+01F3E8` and `\\` in U&"". */
function unescaped(name: string): string {
  return name.replace(/\\(?:\\|\+([0-9a-f]{6})|([0-9a-f]{4}))/gi, (all, six?: string, four?: string) => {
    const code = six ?? four;
    return code === undefined ? all.slice(1) : String.fromCodePoint(Number.parseInt(code, 16));
  });
}
