/** Splits SQL into statements with comments blanked and texts emptied, so that what is left is structure. */
export interface SqlStatement {
  readonly text: string;
  /** Of its first word. */
  readonly line: number;
}

/** Quoted things of PostgreSQL, longest first: dollar-quoted, strings, identifiers, comments. */
const QUOTED = /(\$[A-Za-z_]*\$)[\s\S]*?\1|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

export function sqlStatements(sql: string): SqlStatement[] {
  const masked = sql.replace(QUOTED, mask);
  const statements: SqlStatement[] = [];
  let start = 0;
  for (const part of masked.split(';')) {
    const lead = part.length - part.trimStart().length;
    const line = masked.slice(0, start + lead).split('\n').length;
    if (part.trim() !== '') statements.push({ text: part.trim().replace(/\s+/g, ' ').toLowerCase(), line });
    start += part.length + 1;
  }
  return statements;
}

/** Keeps the length and the lines; identifiers stay, `''` stays as it is, other texts become spaces between their quotes. */
function mask(quoted: string): string {
  if (quoted.startsWith('"') || quoted === "''") return quoted;
  const blank = quoted.replace(/[^\n]/g, ' ');
  return quoted.startsWith('-') || quoted.startsWith('/') ? blank : `'${blank.slice(2)}'`;
}
