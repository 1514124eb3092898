/** The sequences' values as `setval` statements, as pg_dump writes them into its data section. */
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Platform } from '../platform.ts';
import type { ConnectionOptions } from './connection-url.ts';
import { qualifiedName, quoteLiteral } from './identifiers.ts';
import { openSession } from './open-session.ts';
import { readSequences } from './read-sequences.ts';
import type { PgSession } from './session.ts';
import { beginSnapshot } from './snapshot.ts';

export interface SequenceName {
  readonly schema: string;
  readonly name: string;
}

/** Sequences read by one statement; it takes a lock on each. */
const BATCH = 200;

/** SQLSTATEs of a name that means nothing any more. */
const GONE = new Set(['42P01', '3F000']);

/**
 * The sequences that the snapshot sees, as the schema beside them does; those that the role may not read are left out: see
 * Catalog.unreadableSequences. Values are those of now, at or behind those of any snapshot, so that no restored row meets
 * its own number again. Throws TABLES_CHANGED when one was dropped or renamed since, and SNAPSHOT_LOST.
 */
export async function* dumpSequences(
  platform: Platform,
  url: string | ConnectionOptions,
  options: {
    /** A snapshot whose transaction is open; without one, the sequences of now. */
    readonly snapshot?: string;
    readonly excludeSchemas?: readonly string[];
    readonly excludeTables?: readonly SequenceName[];
    readonly tables?: readonly SequenceName[];
  },
): AsyncGenerator<Uint8Array> {
  const session = await openSession(platform, url, { applicationName: 'holdfast sequences' });
  try {
    if (options.snapshot !== undefined) await beginSnapshot(session, { import: options.snapshot });
    const sequences = await listSequences(session, options);
    const encoder = new TextEncoder();
    for (let offset = 0; offset < sequences.length; offset += BATCH) {
      yield encoder.encode(await setvalStatements(session, sequences.slice(offset, offset + BATCH)));
    }
  } finally {
    await session.close();
  }
}

async function listSequences(
  session: PgSession,
  options: Parameters<typeof dumpSequences>[2],
): Promise<SequenceName[]> {
  const key = (one: SequenceName) => JSON.stringify([one.schema, one.name]);
  const excludedSchemas = new Set(options.excludeSchemas);
  const excluded = new Set(options.excludeTables?.map(key));
  const wanted = options.tables ? new Set(options.tables.map(key)) : null;
  const found = (await readSequences(session)).filter((sequence) => {
    const names = [sequence, ...(sequence.owner ? [sequence.owner] : [])];
    if (excludedSchemas.has(sequence.schema) || names.some((name) => excluded.has(key(name)))) return false;
    return wanted === null || names.some((name) => wanted.has(key(name)));
  });
  const dropped = found.find(({ readable }) => readable === null);
  if (dropped) throw changed(`sequence ${qualifiedName(dropped)} was dropped after the backup began`);
  return found.filter(({ readable }) => readable);
}

async function setvalStatements(session: PgSession, sequences: SequenceName[]): Promise<string> {
  const rows = await readValues(session, sequences);
  return rows
    .map(([index, value, called]) => {
      const name = quoteLiteral(qualifiedName(sequences[Number(index)]!));
      return `SELECT pg_catalog.setval(${name}, ${value}, ${called === 't'});\n`;
    })
    .join('');
}

/** Names mean what they mean now, whatever the snapshot sees. */
async function readValues(session: PgSession, sequences: SequenceName[]) {
  const selects = sequences.map((one, index) => `select ${index}, last_value, is_called from ${qualifiedName(one)}`);
  try {
    return await session.query(`${selects.join(' union all ')} order by 1`);
  } catch (cause) {
    if (!(cause instanceof HoldfastError) || !GONE.has(String(cause.details.sqlState))) throw cause;
    throw changed(`a sequence was dropped or renamed after the backup began: ${cause.message}`, cause);
  }
}

function changed(message: string, cause?: unknown): HoldfastError {
  return ERRORS.TABLES_CHANGED(message, { cause, hint: 'Make the backup again when no migration is running.' });
}
