/**
 * A user's rows of one table, in blocks and in a stable order, with where to go on. Which rows are theirs is the
 * filter's word, as the connection's role; in a table whose policies speak for `authenticated`, a row leaves only if the
 * user could have read it through the API too.
 */
import type { Subject } from '../domain/subject.ts';
import type { SubjectSource } from '../domain/subject-types.ts';
import { ERRORS } from '../errors.ts';
import { qualifiedName, quoteIdentifier } from '../postgres/identifiers.ts';
import type { PgSession } from '../postgres/session.ts';
import { subjectFilter } from '../postgres/subject-filter.ts';
import { columnExpression } from './column-expression.ts';
import { describeSource, leavingColumns, type SourceFacts } from './describe-source.ts';
import { refuseMissingSalt } from './refuse-missing-salt.ts';
import { rowBytes } from './row-size.ts';
import { afterCursor, orderOf, type SubjectCursor } from './subject-cursor.ts';
import { type Address, ctidArray, nameOf, visibleRows } from './visible-rows.ts';

export interface SubjectRow {
  /** Of each of `columns`, exactly PostgreSQL's output text; null for NULL. */
  readonly cells: readonly (string | null)[];
  /** One JSON object as PostgreSQL made it: numbers have all their digits, which JSON.parse() would round. May span lines. */
  readonly json: string;
}

export interface SubjectBlock {
  readonly rows: readonly SubjectRow[];
  /** After the last row that was looked at, hidden ones included. */
  readonly cursor: SubjectCursor;
}

export interface SubjectRowsOptions {
  /** Go on from here; default from the beginning. */
  readonly after?: SubjectCursor | null;
  /** About how much text a block holds, JSON and cells; default 512 KiB. A single row may be larger. */
  readonly blockBytes?: number;
  /** Of the user's token, for policies that ask for more than who it is: app_metadata, email … */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Of one statement; default none. */
  readonly statementTimeoutMs?: number;
  /** The session is in a repeatable-read transaction already, which the caller ends: several tables of one moment. */
  readonly inTransaction?: boolean;
  /** A larger row is refused before it is read; default none. Characters, about. */
  readonly maxRowBytes?: number;
}

export interface SubjectRows extends AsyncIterable<SubjectBlock> {
  /** The columns that leave, in the table's order. */
  readonly columns: readonly string[];
  /** How rows were chosen so far, and how many. */
  readonly facts: SubjectReadFacts;
}

export interface SubjectReadFacts {
  /** `policies`: by the filter and under the user's own row level security; `filter`: by the filter alone. */
  readonly way: 'policies' | 'filter';
  /** Why the filter alone decided; null when the policies had a say. */
  readonly reason: string | null;
  /** Rows that are the user's by the filter, since the cursor. */
  readonly matched: number;
  /** Of these, rows that the policies hide from the user; they did not leave. */
  readonly hidden: number;
}

const BLOCK_BYTES = 512 * 1024;
/** Of a block, and of addresses that are fetched at once. */
const MAX_ROWS = 5000;
const ROW = 'subject_row';
const CURSOR = 'holdfast_subject_rows';
const BEGIN = 'begin isolation level repeatable read read only';

type Row = (string | null)[];

/** A row before it is read: where it is, its key, and how long it will be. */
interface Found extends Address {
  readonly key: readonly string[];
  readonly bytes: number;
}

/**
 * Looks at the table; the iteration opens a read-only transaction on the session, which is the reader's until it ends (by
 * itself, by `break` or by an error). Iterate once. Memory: one block, as rows are read once it is known how long they
 * are. Throws SUBJECT_SOURCE_INVALID, SUBJECT_CURSOR_INVALID, EXPORT_TOO_LARGE for a row above `maxRowBytes`,
 * QUERY_FAILED, QUERY_INTERRUPTED, DATABASE_CONNECTION_LOST.
 */
export async function openSubjectRows(
  session: PgSession,
  source: SubjectSource,
  subject: Subject,
  options: SubjectRowsOptions = {},
): Promise<SubjectRows> {
  const table = await describeSource(session, source);
  await refuseMissingSalt(session, source);
  return new Reader(session, { source, subject, options, table });
}

interface Reading {
  readonly source: SubjectSource;
  readonly subject: Subject;
  readonly options: SubjectRowsOptions;
  readonly table: SourceFacts;
}

class Reader implements SubjectRows {
  readonly columns: readonly string[];
  readonly #session: PgSession;
  readonly #reading: Reading;
  readonly #declare: string;
  readonly #select: string;
  #facts: SubjectReadFacts;

  constructor(session: PgSession, reading: Reading) {
    this.#session = session;
    this.#reading = reading;
    this.columns = leavingColumns(reading.source, reading.table.columns).map(({ name }) => name);
    this.#declare = declareAddresses(reading);
    this.#select = selectRows(reading, this.columns);
    const reason =
      reading.source.readAs === 'owner'
        ? 'the owner decided that the paths alone say whose a row is'
        : 'no policy of the table speaks for authenticated users';
    const policies = reading.source.readAs === 'auto' && reading.table.policies;
    this.#facts = policies
      ? { way: 'policies', reason: null, matched: 0, hidden: 0 }
      : { way: 'filter', reason, matched: 0, hidden: 0 };
  }

  get facts(): SubjectReadFacts {
    return this.#facts;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SubjectBlock> {
    const inTransaction = this.#reading.options.inTransaction === true;
    let open = true;
    try {
      let before = `${this.#begin(inTransaction)}; `;
      for (;;) {
        const rows = await this.#session.query(`${before}fetch forward ${MAX_ROWS} from ${CURSOR}`);
        before = '';
        for (const some of inBlocks(rows.map(toFound), this.#blockBytes)) yield await this.#block(some);
        if (rows.length < MAX_ROWS) break;
      }
      await this.#session.query(inTransaction ? `close ${CURSOR}` : 'commit');
      open = false;
    } finally {
      if (open) await endQuietly(this.#session, inTransaction ? `close ${CURSOR}` : 'rollback');
    }
  }

  get #blockBytes(): number {
    return this.#reading.options.blockBytes ?? BLOCK_BYTES;
  }

  #begin(inTransaction: boolean): string {
    const timeoutMs = Math.max(0, Math.ceil(this.#reading.options.statementTimeoutMs ?? 0));
    return [
      ...(inTransaction ? [] : [BEGIN]),
      `set local statement_timeout = ${timeoutMs}`,
      // All rows are wanted: a plan for the first tenth may walk the whole table by its key.
      'set local cursor_tuple_fraction = 1',
      this.#declare,
    ].join('; ');
  }

  async #block(found: readonly Found[]): Promise<SubjectBlock> {
    const visible = this.#facts.way === 'policies' ? await this.#visible(found) : found;
    const { matched, hidden } = this.#facts;
    this.#facts = {
      ...this.#facts,
      matched: matched + found.length,
      hidden: hidden + found.length - visible.length,
    };
    const { key, partitioned } = this.#reading.table;
    const last = found.at(-1)!;
    const byAddress = partitioned ? [last.part, last.ctid] : [last.ctid];
    return {
      rows: visible.length === 0 ? [] : await this.#read(visible),
      cursor: { by: key, after: key.length > 0 ? last.key : byAddress },
    };
  }

  /** The transaction has one snapshot: an address is the same row until it ends. */
  async #read(rows: readonly Found[]): Promise<SubjectRow[]> {
    this.#refuseLarge(rows);
    const read = new Map<string, SubjectRow>();
    for (const [part, ctid, json, ...cells] of await this.#session.query(`${this.#select} (${ctidArray(rows)})`)) {
      read.set(nameOf({ part: part!, ctid: ctid! }), { json: json!, cells });
    }
    return rows.map((row) => read.get(nameOf(row))!);
  }

  #refuseLarge(rows: readonly Found[]): void {
    const { source, options } = this.#reading;
    const most = options.maxRowBytes ?? Number.POSITIVE_INFINITY;
    const large = rows.find(({ bytes }) => bytes > most);
    if (large === undefined) return;
    throw ERRORS.EXPORT_TOO_LARGE(
      `a row of ${source.schema}.${source.table} has ${large.bytes} bytes, and one of an export must have at most ${most}`,
    );
  }

  /** Policies that cannot be evaluated have no say. */
  async #visible(rows: readonly Found[]): Promise<readonly Found[]> {
    const { source, table, subject, options } = this.#reading;
    const from = fromTable(source, table);
    const answer = await visibleRows(this.#session, rows, { from, subject, claims: options.claims });
    if ('visible' in answer) return answer.visible;
    const reason = `the policies of the table fail with SQLSTATE ${answer.failed}`;
    this.#facts = { ...this.#facts, way: 'filter', reason };
    return rows;
  }
}

/** The session may have ended, or its transaction have failed, which is then the error that the caller sees. */
async function endQuietly(session: PgSession, statement: string): Promise<void> {
  try {
    await session.query(statement);
  } catch {
    if (statement === 'rollback') await session.close();
  }
}

function fromTable(source: SubjectSource, table: SourceFacts): string {
  return `${table.partitioned ? '' : 'only '}${qualifiedName({ schema: source.schema, name: source.table })}`;
}

/** Per row: its partition, its address, how long it will be, its key. */
function declareAddresses({ source, subject, options, table }: Reading): string {
  const row = quoteIdentifier(ROW);
  const key = table.key.map((column) => `${row}.${quoteIdentifier(column)}`);
  const conditions = [subjectFilter(source.paths, ROW, subject)];
  if (options.after) conditions.push(afterCursor(options.after, table, ROW));
  const size = rowBytes(leavingColumns(source, table.columns), ROW);
  return `
    declare ${CURSOR} no scroll cursor for
    select ${[`${row}.tableoid`, `${row}.ctid`, size, ...key].join(', ')}
    from ${fromTable(source, table)} as ${row}
    where ${conditions.join(' and ')}
    order by ${orderOf(table, ROW).join(', ')}`;
}

/** Per row: its partition, its address, its JSON, its cells. An array of addresses belongs behind it. */
function selectRows({ source, subject, table }: Reading, columns: readonly string[]): string {
  const of = { source, subject, columns: table.columns, alias: ROW };
  const leaving = columns.map((name) => `${columnExpression(name, of)} as ${quoteIdentifier(name)}`);
  const row = quoteIdentifier(ROW);
  // A column of the same name would stand for itself instead of for the row.
  const out = quoteIdentifier(freeName('leaving', table.columns));
  const cells = columns.map((name) => `${out}.${quoteIdentifier(name)}`);
  return `
    select ${[`${row}.tableoid`, `${row}.ctid`, `pg_catalog.row_to_json(${out})`, ...cells].join(', ')}
    from ${fromTable(source, table)} as ${row} cross join lateral (select ${leaving.join(', ')}) as ${out}
    where ${row}.ctid = any`;
}

function toFound([part, ctid, bytes, ...key]: Row): Found {
  return { part: part!, ctid: ctid!, bytes: Number(bytes), key: key as string[] };
}

/** A row comes twice, as JSON and as cells. */
function* inBlocks(rows: readonly Found[], targetBytes: number): Generator<readonly Found[]> {
  let block: Found[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (block.length > 0 && bytes + 2 * row.bytes > targetBytes) {
      yield block;
      block = [];
      bytes = 0;
    }
    block.push(row);
    bytes += 2 * row.bytes;
  }
  if (block.length > 0) yield block;
}

function freeName(name: string, columns: readonly { name: string }[]): string {
  let free = name;
  while (columns.some((column) => column.name === free)) free += '_';
  return free;
}
