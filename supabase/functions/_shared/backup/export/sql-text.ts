/**
 * The text of an SQL file in the order that psql takes it: pre-data, the rows as COPY blocks, sequences, post-data.
 * One connection reads the rows, table after table, while the caller compresses and stores what came before.
 */
import type { Table } from '../../postgres/catalog-types.ts';
import { copiedColumns, copyStatement } from '../../postgres/copy-statement.ts';
import { dumpSection } from '../../postgres/dump-schema.ts';
import { qualifiedName, quoteIdentifier } from '../../postgres/identifiers.ts';
import type { BackupMeans } from '../backup-settings.ts';
import type { CopyTables } from './copy-tables.ts';

const WHOLE_TABLE = { fromBlock: 0, toBlock: null };
const ENCODER = new TextEncoder();

/** `onRows` hears how many rows each block of a table has. */
export async function* sqlText(
  means: BackupMeans,
  input: CopyTables,
  onRows: (rows: number) => void,
): AsyncGenerator<Uint8Array> {
  const section = (name: 'pre-data' | 'data' | 'post-data') => {
    const { consistency, catalog, planned } = input.source;
    return dumpSection(means.platform, means.databaseUrl, {
      section: name,
      snapshot: consistency.snapshot!,
      excludeSchemas: catalog.managedSchemas,
      excludeTables: planned.excludeTables,
    });
  };
  const tables = input.source.planned.plans.map((plan) => plan.table);
  yield* section('pre-data');
  yield* copyBlocks(input, { tables: tables.filter((table) => table.managed), onRows, ...PLATFORM_TABLES });
  yield* copyBlocks(input, { tables: tables.filter((table) => !table.managed), onRows });
  yield* section('data'); // without rows: the positions of the sequences
  yield* section('post-data');
}

/** The platform's tables are there before the file is loaded, with their foreign keys and triggers. */
const PLATFORM_TABLES = {
  before: 'set session_replication_role = replica;\n',
  after: 'set session_replication_role = origin;\n',
};

interface CopyBlocks {
  readonly tables: readonly Table[];
  readonly onRows: (rows: number) => void;
  /** SQL. */
  readonly before?: string;
  readonly after?: string;
}

async function* copyBlocks(
  { job, source, scope }: CopyTables,
  { tables, onRows, before = '', after = '' }: CopyBlocks,
): AsyncGenerator<Uint8Array> {
  if (tables.length === 0) return;
  yield ENCODER.encode(before);
  for (const table of tables) {
    scope.throwIfInterrupted();
    job.onEvent?.({ type: 'table', name: `${table.schema}.${table.name}` });
    const columns = copiedColumns(table).map((column) => quoteIdentifier(column.name));
    const list = columns.length === 0 ? '' : ` (${columns.join(', ')})`;
    yield ENCODER.encode(`\ncopy ${qualifiedName(table)}${list} from stdin;\n`);
    for await (const { bytes, rows } of source.session.copyOut(copyStatement(table, WHOLE_TABLE, { format: 'copy' }))) {
      const size = bytes.length; // read now: a later stage takes the buffer away
      yield bytes;
      onRows(rows);
      job.onEvent?.({ type: 'rows', rows, bytes: size });
    }
    yield ENCODER.encode('\\.\n\n');
  }
  yield ENCODER.encode(after);
}
