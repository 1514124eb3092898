import type { DumpEntry } from './contracts.ts';
import { identifierOf, lexSql } from './sql-lexer.ts';

/** The section of sequences, one entry for each line `SELECT pg_catalog.setval('"schema"."name"', …);`. Pure. */
export function splitSequences(text: string): DumpEntry[] {
  const entries: DumpEntry[] = [];
  let sql = '';
  for (const token of lexSql(text)) {
    sql += token.text;
    if (token.text !== ';') continue;
    const [schema, name] = relationIn(sql);
    entries.push({ type: 'SEQUENCE SET', schema, name, owner: '', sql: `${sql.trim()}\n` });
    sql = '';
  }
  return entries;
}

/** Schema and name in the first string, which holds them as identifiers. */
function relationIn(sql: string): [schema: string, name: string] {
  const literal = [...lexSql(sql)].find(({ kind }) => kind === 'string');
  const names = [...lexSql(literal?.text.slice(1, -1).replaceAll("''", "'") ?? '')]
    .filter(({ kind }) => kind === 'quoted' || kind === 'word')
    .map(identifierOf);
  return [names[0] ?? '', names[1] ?? ''];
}
