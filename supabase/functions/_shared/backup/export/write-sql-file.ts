import { inBlocks } from '../../archive/in-blocks.ts';
import { writeSegment } from '../../archive/write-segment.ts';
import type { StoredSegment } from '../../runs/run-row.ts';
import type { BackupMeans } from '../backup-settings.ts';
import type { CopyTables } from './copy-tables.ts';
import { sqlText, type TableCount } from './sql-text.ts';

/** A frame each: pg_dump writes line by line, and COPY blocks of this size or more pass as they are. */
const BLOCK_BYTES = 256 * 1024;

/** The whole database as one object of unlimited size; its facts say how many rows of which table are in it: `gpg -d database.sql.zst.pgp | zstd -dc | psql`. */
export async function writeSqlFile(means: BackupMeans, input: CopyTables): Promise<StoredSegment> {
  const codec = means.codecFor(input.job.request.codec ?? 'zstd');
  const tables: TableCount[] = [];
  const text = sqlText(means, input, tables);
  const stored = await writeSegment({
    source: withoutRows(inBlocks(text, BLOCK_BYTES)),
    codec,
    cipher: means.cipher,
    store: means.store,
    keyPrefix: input.folder,
    path: `database.sql${codec.extension}${means.cipher.extension}`,
    kind: 'database',
  });
  return {
    path: stored.path,
    kind: 'database',
    schemaName: null,
    tableName: null,
    part: null,
    rowCount: tables.reduce((sum, table) => sum + table.rows, 0),
    rawBytes: stored.rawBytes,
    storedBytes: stored.size,
    sha256: stored.sha256,
    storeSha256: stored.storeSha256 ?? null,
    facts: { tables },
  };
}

/** Rows are counted where they are read; a block of the file holds other text too. */
async function* withoutRows(blocks: AsyncIterable<Uint8Array>) {
  for await (const bytes of blocks) yield { bytes, rows: 0 };
}
