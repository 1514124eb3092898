/** What the native pg_dump says about a database, as one hash: two databases with the same hash are the same to it. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { DATABASE_ERRORS } from '../stack/database/errors.ts';
import { ensureOracle } from './ensure-oracle.ts';

export interface DumpOptions {
  /** Version of pg_dump, at least the servers'; default 17. */
  readonly major?: 15 | 17;
  /** Exported by a transaction that is still open. */
  readonly snapshot?: string;
  readonly excludeSchemas?: readonly string[];
  readonly schemaOnly?: boolean;
  /** More arguments of pg_dump. */
  readonly args?: readonly string[];
  /** `ignored` compares the rows of a table as a bag. Default `significant`. */
  readonly rowOrder?: 'significant' | 'ignored';
}

export interface DumpComparison {
  readonly identical: boolean;
  readonly digestA: string;
  readonly digestB: string;
  /** The first lines of a unified diff; empty when identical. */
  readonly difference: string;
}

const DIFFERENCE_LINES = 60;

/** SHA-256 in hex of the normalised dump. Throws ORACLE_UNAVAILABLE, ORACLE_FAILED. */
export async function dumpDigest(url: string, options: DumpOptions = {}): Promise<string> {
  const hash = createHash('sha256');
  const bag = new RowBag(options.rowOrder === 'ignored');
  await eachDumpLine(url, options, (line, isRow) => {
    const kept = bag.take(line, isRow);
    if (kept !== undefined) hash.update(kept).update('\n');
  });
  return hash.digest('hex');
}

/** Compares two databases as pg_dump sees them. A snapshot, when given, is of the first. */
export async function comparePgDump(urlA: string, urlB: string, options: DumpOptions = {}): Promise<DumpComparison> {
  const { snapshot: _ofTheFirst, ...optionsB } = options;
  const digestA = await dumpDigest(urlA, options);
  const digestB = await dumpDigest(urlB, optionsB);
  const identical = digestA === digestB;
  const difference = identical ? '' : await differenceOf([urlA, options], [urlB, optionsB]);
  return { identical, digestA, digestB, difference };
}

/** libpq's environment for a URL: the password must not be among the arguments, which every user can read. */
export function libpqEnvironment(url: string): Record<string, string> {
  const parsed = new URL(url);
  return {
    PGHOST: parsed.hostname,
    PGPORT: parsed.port || '5432',
    PGUSER: decodeURIComponent(parsed.username),
    PGPASSWORD: decodeURIComponent(parsed.password),
    PGDATABASE: decodeURIComponent(parsed.pathname.slice(1)),
    LC_ALL: 'C',
  };
}

/**
 * Only what differs between any two runs is taken out: the random tokens of \restrict and the two header comments with
 * the versions of server and program.
 */
export function normaliseDumpLine(line: string): string | undefined {
  if (line.startsWith('-- Dumped from database version ') || line.startsWith('-- Dumped by pg_dump version '))
    return undefined;
  return line.replace(/^\\(un)?restrict .*$/, '\\$1restrict');
}

/** Rows are added up instead of hashed in turn, so that their order does not count. */
class RowBag {
  #sum = 0n;
  readonly #active: boolean;

  constructor(active: boolean) {
    this.#active = active;
  }

  /** The line to hash now; the sum of a table's rows comes with the line that ends them. */
  take(line: string, isRow: boolean): string | undefined {
    if (!this.#active || (!isRow && line !== '\\.')) return line;
    if (isRow) {
      this.#sum += BigInt(`0x${createHash('sha256').update(line).digest('hex')}`);
      return undefined;
    }
    const sum = this.#sum.toString(16);
    this.#sum = 0n;
    return sum;
  }
}

/** Tells rows, which are passed on untouched, from all else: between `COPY … FROM stdin;` and `\\.` lines are rows. */
class DumpReader {
  #inCopy = false;
  readonly #take: (line: string, isRow: boolean) => void;

  constructor(take: (line: string, isRow: boolean) => void) {
    this.#take = take;
  }

  read(line: string): void {
    if (this.#inCopy && line !== '\\.') {
      this.#take(line, true);
      return;
    }
    this.#inCopy = /^COPY .* FROM stdin;$/.test(line);
    const kept = normaliseDumpLine(line);
    if (kept !== undefined) this.#take(kept, false);
  }
}

async function eachDumpLine(
  url: string,
  options: DumpOptions,
  take: (line: string, isRow: boolean) => void,
): Promise<void> {
  const child = spawn(await pgDump(options), dumpArguments(options), {
    env: { PATH: process.env.PATH, ...libpqEnvironment(url) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  // COPY text may hold any byte but a bare line feed: read as latin1, every byte is one character and none is a break.
  child.stdout.setEncoding('latin1');
  const reader = new DumpReader(take);
  let rest = '';
  for await (const chunk of child.stdout as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) reader.read(line);
  }
  const code = await ended;
  if (code !== 0) throw DATABASE_ERRORS.ORACLE_FAILED(`pg_dump ended with ${code}`, { details: { stderr } });
}

async function pgDump(options: DumpOptions): Promise<string> {
  const major = options.major ?? 17;
  const oracle = await ensureOracle(major);
  if (oracle) return oracle.pgDump;
  throw DATABASE_ERRORS.ORACLE_UNAVAILABLE(`no pg_dump ${major} on this machine`);
}

function dumpArguments(options: DumpOptions): string[] {
  return [
    '--no-password',
    '--no-sync',
    ...(options.schemaOnly ? ['--schema-only'] : []),
    ...(options.snapshot ? [`--snapshot=${options.snapshot}`] : []),
    ...(options.excludeSchemas ?? []).map((schema) => `--exclude-schema=${schema}`),
    ...(options.args ?? []),
  ];
}

async function differenceOf(a: [string, DumpOptions], b: [string, DumpOptions]): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-dump-'));
  try {
    const files = [join(dir, 'a.sql'), join(dir, 'b.sql')] as const;
    for (const [index, [url, options]] of [a, b].entries()) {
      const file = createWriteStream(files[index] as string, { encoding: 'latin1' });
      await eachDumpLine(url, options, (line) => void file.write(`${line}\n`, 'latin1'));
      file.end();
      await finished(file);
    }
    return await firstLines(spawn('diff', ['-a', '-u', ...files], { stdio: ['ignore', 'pipe', 'ignore'] }));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function firstLines(child: ReturnType<typeof spawn>): Promise<string> {
  const lines: string[] = [];
  const closed = new Promise((resolve) => child.on('close', resolve));
  if (!child.stdout) return '';
  for await (const line of createInterface({ input: child.stdout })) {
    if (lines.length < DIFFERENCE_LINES) lines.push(line);
  }
  await closed;
  return lines.join('\n');
}
