/** Cuts pg_dump's text at its headings. Pure. */
import type { DumpEntry } from './contracts.ts';
import { PLATFORM_ENTRY, REALTIME_BLOCK, splitAdditions } from './platform-additions.ts';
import { portableSubscription } from './portable-subscription.ts';
import { splitExtensions } from './split-extensions.ts';
import { lexSql } from './sql-lexer.ts';

type Heading = Omit<DumpEntry, 'sql'>;

const HEADING =
  /^-- (?:Data for )?Name: (?<name>.*); Type: (?<type>[A-Z_ ]+); Schema: (?<schema>.*); Owner: ?(?<owner>.*?)(?:; Tablespace: .*)?\n$/;
const COMPLETE = '-- PostgreSQL database dump complete\n';
/** pg_dump prints them between entries, on behalf of those that follow. */
const SETTING = /^SET (default_tablespace|default_table_access_method) = (.*);$/;
const USUAL: Readonly<Record<string, string>> = { default_tablespace: "''", default_table_access_method: 'heap' };
/** What the settings have an effect on. */
const STORED = new Set(['TABLE', 'INDEX', 'CONSTRAINT', 'MATERIALIZED VIEW']);

/**
 * The entries in their order; first, with type '', what stands before the first heading. A heading inside a string, a
 * function's body or a comment is none. What a backup of a Supabase project adds to pg_dump's text is entries too: of type
 * EXTENSION, and of type PLATFORM its realtime publication, triggers and policies on the platform's tables.
 */
export function splitDump(text: string): DumpEntry[] {
  const entries: DumpEntry[] = [];
  const settings = new Map<string, string>();
  let heading: Heading = { name: '', type: '', schema: '', owner: '' };
  let from = 0;
  const close = (to: number) => {
    const { sql, changes } = withoutSettings(text.slice(from, to));
    const own = { ...heading, sql: withSettings(heading, sql, settings) };
    if (heading.type !== '' || sql.trim() !== '') entries.push(portableSubscription(own));
    for (const [name, value] of changes) settings.set(name, value);
    from = to;
  };
  let end = text.length;
  for (const cut of cuts(text)) {
    close(cut.start);
    if (cut.heading === 'end') {
      end = cut.start;
      break;
    }
    heading = cut.heading;
  }
  if (end === text.length) close(end);
  const [head, ...rest] = entries;
  const first = head?.type === '' ? splitExtensions(head) : entries.slice(0, 1);
  return [...first, ...rest, ...splitAdditions(text.slice(end))];
}

interface Cut {
  readonly heading: Heading | 'end';
  readonly start: number;
}

function* cuts(text: string): Generator<Cut> {
  let opener = -1;
  for (const { kind, text: token, start } of lexSql(text)) {
    if (kind === 'comment' && opener >= 0) {
      const heading = headingOf(token);
      if (heading) yield { heading, start: opener };
      if (token === COMPLETE) return yield { heading: 'end', start: opener };
    }
    if (token === 'do' && text.startsWith(REALTIME_BLOCK, start)) yield { heading: PLATFORM_ENTRY, start };
    opener = kind === 'comment' && token === '--\n' ? start : -1;
  }
}

function headingOf(comment: string): Heading | null {
  const groups = HEADING.exec(comment)?.groups;
  if (!groups) return null;
  const { name, type, schema, owner } = groups as Record<'name' | 'type' | 'schema' | 'owner', string>;
  return { name, type, schema: schema === '-' ? '' : schema, owner };
}

/** Settings that are not the usual ones hold for this entry alone, wherever it runs and whatever runs after it. */
function withSettings({ type }: Heading, sql: string, settings: ReadonlyMap<string, string>): string {
  const unusual = [...settings].filter(([name, value]) => USUAL[name] !== value.replaceAll('"', ''));
  if (!STORED.has(type) || unusual.length === 0) return sql;
  const set = unusual.map(([name, value]) => `SET LOCAL ${name} = ${value};\n`).join('');
  return `${set}${sql}\n${unusual.map(([name]) => `SET LOCAL ${name} TO DEFAULT;\n`).join('')}`;
}

/** The settings at its end belong to the entries that follow. */
function withoutSettings(sql: string): { sql: string; changes: [string, string][] } {
  const lines = sql.split('\n');
  const changes: [string, string][] = [];
  while (lines.length > 0) {
    const line = lines.at(-1)!;
    const [, name, value] = SETTING.exec(line) ?? [];
    if (line !== '' && name === undefined) break;
    if (name !== undefined) changes.unshift([name, value!]);
    lines.pop();
  }
  return { sql: `${lines.join('\n')}\n`, changes };
}
