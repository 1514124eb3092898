/**
 * One slice of one table becomes one object: from the snapshot through codec and cipher to the store, unparsed.
 * Throws SLICE_TOO_LARGE once more than `maxBytes` came; then nothing is left in the store and the session is closed.
 */
import type { RawBlock } from '../archive/compress-blocks.ts';
import type { Codec } from '../archive/contracts.ts';
import { writeEnvelope } from '../archive/envelope.ts';
import { writeSegment } from '../archive/write-segment.ts';
import type { RowFilter } from '../domain/backup-request.ts';
import type { CodecName, FormatName } from '../domain/formats.ts';
import { segmentPath } from '../domain/object-path.ts';
import type { Slice, Table } from '../postgres/catalog-types.ts';
import { copyStatement } from '../postgres/copy-statement.ts';
import type { PgSession } from '../postgres/session.ts';
import type { StoredSegment } from '../runs/run-row.ts';
import type { BackupMeans } from './backup-settings.ts';
import { countJsonNulls } from './count-json-nulls.ts';
import { rowCondition } from './row-condition.ts';

export interface CopyJob {
  readonly table: Table;
  readonly slice: Slice;
  /** The backup's folder in the store, without a slash at the end. */
  readonly folder: string;
  readonly format: FormatName;
  readonly codec: CodecName;
  readonly where: readonly RowFilter[];
  /** ISO time of the snapshot, for the envelope of JSON exports. */
  readonly exportDate: string;
  /** From the second on, paths carry it: a late upload of an earlier attempt must not meet a later one's. */
  readonly attempt: number;
  readonly maxBytes?: number;
  /** Called after each block with its rows and raw bytes. */
  readonly onBlock?: (block: { rows: number; bytes: number }) => void;
}

export async function copySlice(means: BackupMeans, session: PgSession, job: CopyJob): Promise<StoredSegment> {
  const { table, slice, format } = job;
  const where = rowCondition(table, job.where);
  const jsonNulls = format === 'json' ? await countJsonNulls(session, table, { range: slice.range, where }) : {};
  const framing = format === 'json' ? ('json' as const) : ('text' as const);
  const codec = means.codecFor(job.codec);
  const rows = session.copyOut(copyStatement(table, slice.range, { format, where }), {
    framing,
    spareBlock: codec.spareBlock && ((sizeBytes) => codec.spareBlock!(sizeBytes)),
    maxBytes: job.maxBytes,
    headerRows: format === 'csv' ? 1 : 0,
  });
  const input = { ...writing(means, job, codec), source: watched(rows, job.onBlock) };
  const stored =
    format === 'json' ? await writeEnvelope({ ...input, envelope: envelopeOf(job) }) : await writeSegment(input);
  return {
    path: stored.path,
    kind: 'segment',
    schemaName: table.schema,
    tableName: table.name,
    part: slice.part,
    rowCount: stored.rows!,
    rawBytes: stored.rawBytes,
    storedBytes: stored.size,
    sha256: stored.sha256,
    storeSha256: stored.storeSha256 ?? null,
    facts: Object.keys(jsonNulls).length > 0 ? { jsonNulls } : null,
  };
}

function writing({ cipher, store }: BackupMeans, job: CopyJob, codec: Codec) {
  const { table, slice, format, attempt } = job;
  const encrypted = cipher.recipients.length > 0;
  return {
    cipher,
    store,
    codec,
    keyPrefix: job.folder,
    path: segmentPath({
      schema: table.schema,
      name: table.name,
      part: slice.part,
      format,
      codec: codec.name,
      encrypted,
      attempt,
    }),
  };
}

function envelopeOf({ table, slice, exportDate }: CopyJob) {
  const tableName = table.schema === 'public' ? table.name : `${table.schema}.${table.name}`;
  return { exportDate, tableName, part: slice.part };
}

async function* watched(blocks: AsyncIterable<RawBlock>, onBlock: CopyJob['onBlock']): AsyncGenerator<RawBlock> {
  for await (const block of blocks) {
    const bytes = block.bytes.length; // read now: a later stage takes the buffer away
    yield block;
    onBlock?.({ rows: block.rows, bytes });
  }
}
