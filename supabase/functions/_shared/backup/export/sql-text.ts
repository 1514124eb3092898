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

export interface TableCount {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
  /** COPY text. */
  readonly rawBytes: number;
}

/** Adds to `counts` each table whose rows are all in the text. */
export async function* sqlText(
  means: BackupMeans,
  input: CopyTables,
  counts: TableCount[],
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
  yield* copyBlocks(input, { tables: tables.filter((table) => table.managed), counts, ...PLATFORM_TABLES });
  yield* copyBlocks(input, { tables: tables.filter((table) => !table.managed), counts });
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
  readonly counts: TableCount[];
  /** SQL. */
  readonly before?: string;
  readonly after?: string;
}

async function* copyBlocks(
  { job, source, scope }: CopyTables,
  { tables, counts, before = '', after = '' }: CopyBlocks,
): AsyncGenerator<Uint8Array> {
  if (tables.length === 0) return;
  yield ENCODER.encode(before);
  for (const table of tables) {
    scope.throwIfInterrupted();
    job.onEvent?.({ type: 'table', name: `${table.schema}.${table.name}` });
    const columns = copiedColumns(table).map((column) => quoteIdentifier(column.name));
    const list = columns.length === 0 ? '' : ` (${columns.join(', ')})`;
    yield ENCODER.encode(`\ncopy ${qualifiedName(table)}${list} from stdin;\n`);
    const count = { schema: table.schema, name: table.name, rows: 0, rawBytes: 0 };
    for await (const { bytes, rows } of source.session.copyOut(copyStatement(table, WHOLE_TABLE, { format: 'copy' }))) {
      const size = bytes.length; // read now: a later stage takes the buffer away
      yield bytes;
      count.rows += rows;
      count.rawBytes += size;
      job.onEvent?.({ type: 'rows', rows, bytes: size });
    }
    counts.push(count);
    yield ENCODER.encode('\\.\n\n');
  }
  yield ENCODER.encode(after);
}
