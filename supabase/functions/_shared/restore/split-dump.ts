/** Cuts pg_dump's text at its headings. Pure. */
import type { DumpEntry } from './contracts.ts';
import { lexSql } from './sql-lexer.ts';

const HEADING =
  /^-- (?:Data for )?Name: (?<name>.*); Type: (?<type>[A-Z_ ]+); Schema: (?<schema>.*); Owner: ?(?<owner>.*?)(?:; Tablespace: .*)?\n$/;
/** pg_dump prints them between entries, on behalf of those that follow. */
const SETTING = /^SET (default_tablespace|default_table_access_method) = (.*);$/;
const USUAL: Readonly<Record<string, string>> = { default_tablespace: "''", default_table_access_method: 'heap' };

/**
 * The entries in their order; first, with type '', what stands before the first heading. A heading inside a string, a
 * function's body or a comment is none.
 */
export function splitDump(text: string): DumpEntry[] {
  const entries: DumpEntry[] = [];
  const settings = new Map<string, string>();
  let head: Omit<DumpEntry, 'sql'> = { name: '', type: '', schema: '', owner: '' };
  let from = 0;
  const close = (to: number) => {
    const sql = takeSettings(
      text.slice(from, to),
      (name, value) => settings.set(name, value),
      withSettings(head, settings),
    );
    if (head.type !== '' || sql.trim() !== '') entries.push({ ...head, sql });
    from = to;
  };
  for (const { heading, start } of headings(text)) {
    close(start);
    head = heading;
  }
  close(text.length);
  return entries;
}

function* headings(text: string): Generator<{ heading: Omit<DumpEntry, 'sql'>; start: number }> {
  let opener = -1;
  for (const token of lexSql(text)) {
    const groups = token.kind === 'comment' && opener >= 0 ? HEADING.exec(token.text)?.groups : undefined;
    if (groups) {
      const { name, type, schema, owner } = groups as Record<'name' | 'type' | 'schema' | 'owner', string>;
      yield { heading: { name, type, schema: schema === '-' ? '' : schema, owner }, start: opener };
    }
    opener = token.kind === 'comment' && token.text === '--\n' ? token.start : -1;
  }
}

/** Only where they are not the usual ones: they make the entry right wherever it runs. */
function withSettings({ type }: Omit<DumpEntry, 'sql'>, settings: ReadonlyMap<string, string>): string {
  if (!['TABLE', 'INDEX', 'CONSTRAINT', 'MATERIALIZED VIEW'].includes(type)) return '';
  return [...settings]
    .filter(([name, value]) => USUAL[name] !== value.replaceAll('"', ''))
    .map(([name, value]) => `SET LOCAL ${name} = ${value};\n`)
    .join('');
}

/** Without the settings at its end, which belong to the entries that follow. */
function takeSettings(sql: string, take: (name: string, value: string) => void, prefix: string): string {
  const lines = sql.split('\n');
  let end = lines.length;
  for (; end > 0; end--) {
    const line = lines[end - 1]!;
    if (line !== '' && !SETTING.test(line)) break;
  }
  for (const line of lines.slice(end)) {
    const [, name, value] = SETTING.exec(line) ?? [];
    if (name) take(name, value!);
  }
  return `${prefix}${lines.slice(0, end).join('\n')}\n`;
}
