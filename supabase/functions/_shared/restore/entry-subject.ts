/** What an entry is about, read from its SQL: headings separate the parts of a name by what may stand in a name. Pure. */
import type { DumpEntry } from './contracts.ts';
import { codeTokens, identifierOf, type SqlToken } from './sql-lexer.ts';

export interface Subject {
  /** What kind of thing the name is of; what belongs to a table (a column, a trigger, a policy) counts as `table`. */
  readonly kind: 'table' | 'sequence' | 'index' | 'statistics' | 'schema' | 'publication' | 'subscription';
  /** '' for what is in no schema. */
  readonly schema: string;
  readonly name: string;
}

/** The words before the name of what an entry is on, or null: what the heading names. */
const ON: Readonly<Record<string, readonly string[] | null>> = {
  TABLE: null,
  'FOREIGN TABLE': null,
  'MATERIALIZED VIEW': null,
  'MATERIALIZED VIEW DATA': null,
  'ROW SECURITY': null,
  'TABLE ATTACH': null,
  DEFAULT: ['TABLE'],
  CONSTRAINT: ['TABLE'],
  'CHECK CONSTRAINT': ['TABLE'],
  'FK CONSTRAINT': ['TABLE'],
  INDEX: ['ON'],
  POLICY: ['ON'],
  TRIGGER: ['ON', 'TABLE'],
  RULE: ['TO', 'VIEW'],
};
const COMMENTED: Readonly<Record<string, Subject['kind']>> = {
  TABLE: 'table',
  VIEW: 'table',
  COLUMN: 'table',
  CONSTRAINT: 'table',
  TRIGGER: 'table',
  POLICY: 'table',
  RULE: 'table',
  SEQUENCE: 'sequence',
  INDEX: 'index',
  STATISTICS: 'statistics',
  SCHEMA: 'schema',
  PUBLICATION: 'publication',
  SUBSCRIPTION: 'subscription',
};
const WORDS_BEFORE_KIND = new Set(['FOREIGN', 'MATERIALIZED']);

/** null: something that belongs to no table, sequence, schema, publication or subscription. */
export function subjectOf(entry: DumpEntry): Subject | null {
  let subject = known.get(entry);
  if (subject === undefined) {
    subject = readSubject(entry);
    known.set(entry, subject);
  }
  return subject;
}

/** Entries do not change, and a selection asks for each table again. */
const known = new WeakMap<DumpEntry, Subject | null>();

function readSubject(entry: DumpEntry): Subject | null {
  const { type, schema, name } = entry;
  if (type === 'SCHEMA') return { kind: 'schema', schema: '', name };
  if (type.startsWith('SEQUENCE')) return { kind: 'sequence', schema, name };
  if (['COMMENT', 'ACL', 'SECURITY LABEL'].includes(type)) return annotated(codeTokens(entry.sql));
  if (type === 'STATISTICS') return asTable(statisticsOn(codeTokens(entry.sql)));
  const words = ON[type];
  if (words === undefined) return null;
  if (words === null) return { kind: 'table', schema, name };
  return asTable(nameAfter(codeTokens(entry.sql), words));
}

/** The constraint's index, or the index itself; null for other entries. */
export function indexOf({ type, schema, sql }: DumpEntry): { schema: string; name: string } | null {
  if (type !== 'INDEX' && type !== 'CONSTRAINT') return null;
  const [name] = nameAfter(codeTokens(sql), [type]);
  return name === undefined ? null : { schema, name };
}

/** Parts of the first name that follows one of the words. */
export function nameAfter(tokens: readonly SqlToken[], words: readonly string[]): string[] {
  const at = tokens.findIndex((token) => words.some((word) => isWord(token, word)));
  if (at < 0) return [];
  return nameAt(tokens, at + (isWord(tokens[at + 1], 'ONLY') ? 2 : 1));
}

export function isWord(token: SqlToken | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text.toUpperCase() === word;
}

/** The parts of the name that begins at this token. */
export function nameAt(tokens: readonly SqlToken[], at: number): string[] {
  const parts: string[] = [];
  for (let index = at; ; index += 2) {
    const token = tokens[index];
    if (token?.kind !== 'word' && token?.kind !== 'quoted') return parts;
    parts.push(identifierOf(token));
    if (tokens[index + 1]?.text !== '.') return parts;
  }
}

function asTable([schema, name]: readonly string[]): Subject | null {
  return schema === undefined || name === undefined ? null : { kind: 'table', schema, name };
}

/** Expressions may say FROM too, inside of parentheses. */
function statisticsOn(tokens: readonly SqlToken[]): string[] {
  let depth = 0;
  for (const [index, token] of tokens.entries()) {
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    if (depth === 0 && isWord(token, 'FROM')) return nameAt(tokens, index + 1);
  }
  return [];
}

/** `COMMENT ON TABLE a.b`, `GRANT … ON TABLE a.b`, `COMMENT ON COLUMN a.b.c`, `COMMENT ON TRIGGER t ON a.b`. */
function annotated(tokens: readonly SqlToken[]): Subject | null {
  let at = tokens.findIndex((token) => isWord(token, 'ON')) + 1;
  while (WORDS_BEFORE_KIND.has(tokens[at]?.text.toUpperCase() ?? '')) at++;
  const word = tokens[at]?.kind === 'word' ? tokens[at]!.text.toUpperCase() : '';
  const kind = COMMENTED[word];
  if (kind === undefined) return null;
  if (['CONSTRAINT', 'TRIGGER', 'POLICY', 'RULE'].includes(word)) return asTable(nameAfter(tokens.slice(at), ['ON']));
  const [first, second] = nameAt(tokens, at + 1);
  if (first === undefined) return null;
  return second === undefined ? { kind, schema: '', name: first } : { kind, schema: first, name: second };
}
