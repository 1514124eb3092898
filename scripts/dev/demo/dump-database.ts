import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { pgDump } from '../../../supabase/functions/_shared/postgres/pg-dump.ts';

/** Not the project's own: the platform puts them into every project, and backups take rows of auth and storage only. */
const PLATFORM_SCHEMAS = [
  'cron',
  'net',
  'vault',
  'realtime',
  'graphql_public',
  'supabase_functions',
  'supabase_migrations',
];
/** Which of its own migrations the platform has run. */
const PLATFORM_TABLES = ['auth.schema_migrations', 'storage.migrations'];

/**
 * All that pg_dump says of a database, schema and rows, as lines. The rows of a table are sorted: a table is a set, and
 * PostgreSQL puts restored rows wherever a page has room.
 */
export async function dumpDatabase(url: string, options: { excludeData: string[] }): Promise<string[]> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  const args = [
    '--restrict-key=holdfast', // drawn at random otherwise
    ...PLATFORM_SCHEMAS.map((schema) => `--exclude-schema=${schema}`),
    ...[...PLATFORM_TABLES, ...options.excludeData].map((table) => `--exclude-table-data=${table}`),
  ];
  await pgDump(nodePlatform, url, { args, onData: (chunk) => parts.push(decoder.decode(chunk, { stream: true })) });
  return sortRows(parts.join('').split('\n'));
}

/** Where two dumps part, for people; null when they do not. */
export function firstDifference(source: string[], target: string[]): string | null {
  const at = source.findIndex((line, index) => line !== target[index]);
  if (at < 0 && source.length === target.length) return null;
  const from = Math.max(0, (at < 0 ? target.length : at) - 3);
  const show = (lines: string[]) =>
    lines
      .slice(from, from + 7)
      .map((line) => `    ${line.slice(0, 200)}`)
      .join('\n');
  return `  source, from line ${from + 1}:\n${show(source)}\n  restored:\n${show(target)}`;
}

function sortRows(lines: string[]): string[] {
  const sorted: string[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    sorted.push(lines[at]!);
    if (!/^COPY .* FROM stdin;$/.test(lines[at]!)) continue;
    const end = lines.indexOf('\\.', at);
    for (const row of lines.slice(at + 1, end).sort()) sorted.push(row);
    at = end - 1;
  }
  return sorted;
}
