/** One section of the schema as SQL that psql and plain SQL connections take, on every server from 15 on. */
import type { Platform } from '../platform.ts';
import { cleanDump, RESTRICT_KEY } from './clean-dump.ts';
import type { ConnectionOptions } from './connection-url.ts';
import { dumpSequences } from './dump-sequences.ts';
import { pgDump } from './pg-dump.ts';

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** A table or sequence that pg_dump leaves out. */
export interface ExcludedName extends TableName {
  /** Only its data: of a sequence that may not be read, for whose position pg_dump asks whatever section is wanted. */
  readonly onlyData?: boolean;
}

export interface DumpSectionOptions {
  /** data: the sequences' values alone; rows are copied by COPY, large objects are not taken. */
  readonly section: 'pre-data' | 'data' | 'post-data';
  /** A snapshot whose transaction is open. It says which sequences there are; their values are those of now. */
  readonly snapshot?: string;
  /** Exact names, not patterns. */
  readonly excludeSchemas?: readonly string[];
  readonly excludeTables?: readonly ExcludedName[];
  /** Only these tables and what hangs on them; default the whole database. */
  readonly tables?: readonly TableName[];
  /** More options of pg_dump, for instance `--no-owner`. */
  readonly args?: readonly string[];
}

/** A pg_dump pattern that matches this name alone: in double quotes nothing is special but the quote. */
export function dumpPattern(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const tablePattern = (table: TableName) => `${dumpPattern(table.schema)}.${dumpPattern(table.name)}`;

/** Yields blocks of SQL text. Throws PG_DUMP_FAILED, SNAPSHOT_LOST, TABLES_CHANGED, DATABASE_*. */
export async function* dumpSection(
  platform: Platform,
  url: string | ConnectionOptions,
  options: DumpSectionOptions,
): AsyncGenerator<Uint8Array> {
  if (options.section === 'data') yield* dumpSequences(platform, url, options);
  else yield* cleanDump(runPgDump(platform, url, dumpArguments(options)));
}

function dumpArguments(options: DumpSectionOptions): string[] {
  return [
    `--section=${options.section}`,
    '--no-large-objects',
    '--quote-all-identifiers',
    `--restrict-key=${RESTRICT_KEY}`,
    ...(options.snapshot === undefined ? [] : [`--snapshot=${options.snapshot}`]),
    ...(options.excludeSchemas ?? []).map((schema) => `--exclude-schema=${dumpPattern(schema)}`),
    ...(options.excludeTables ?? []).map(
      (table) => `--exclude-table${table.onlyData ? '-data' : ''}=${tablePattern(table)}`,
    ),
    ...(options.tables ?? []).map((table) => `--table=${tablePattern(table)}`),
    ...(options.args ?? []),
  ];
}

/** pg_dump pushes, the reader pulls: what is printed and not yet read waits here. */
async function* runPgDump(
  platform: Platform,
  url: string | ConnectionOptions,
  args: string[],
): AsyncGenerator<Uint8Array> {
  const printed: Uint8Array[] = [];
  const stop = new AbortController();
  let wake: () => void = () => {};
  const onData = (bytes: Uint8Array) => {
    printed.push(bytes);
    wake();
  };
  const dump = pgDump(platform, url, { args, onData, signal: stop.signal });
  const ended = dump.then(() => true);
  // Whoever awaits `ended` below sees the error; if the reader left, nobody has to.
  ended.catch(() => {});
  try {
    for (let done = false; !done || printed.length > 0; ) {
      if (printed.length === 0) {
        const more = new Promise<boolean>((resolve) => {
          wake = () => resolve(false);
        });
        done = await Promise.race([ended, more]);
      }
      yield* printed.splice(0);
    }
  } finally {
    stop.abort();
    await dump.catch(() => {});
  }
}
