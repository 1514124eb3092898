/**
 * JSON exports: `{"metadata": {…}, "data": [ rows ]}`. Row count and checksum stand in front but are known at the end,
 * so the rows are compressed first and held in memory (a slice's worth), and the head becomes a frame before them.
 */
import { createHash } from 'node:crypto';
import { compressBlocks } from './compress-blocks.ts';
import type { StoredObject } from './contracts.ts';
import { storeFrames } from './store-frames.ts';
import type { SegmentInput } from './write-segment.ts';

export interface EnvelopeFacts {
  /** ISO time of the snapshot. */
  readonly exportDate: string;
  /** Without the schema for tables in public, as `schema.table` otherwise. */
  readonly tableName: string;
  /** Default `1.0`. */
  readonly schemaVersion?: string;
  /** The slice's ordinal when the table has several segments. */
  readonly part?: string;
}

const encode = (text: string) => new TextEncoder().encode(text);
const OPEN = encode('[\n');
const CLOSE = encode('\n]');
const EMPTY = encode('[]');

/** Blocks of `source` are JSON objects joined by ",\n". Throws like writeSegment(). */
export async function writeEnvelope(
  input: Omit<SegmentInput, 'head' | 'foot' | 'kind'> & { readonly envelope: EnvelopeFacts },
): Promise<StoredObject> {
  const { codec } = input;
  const hash = createHash('sha256');
  const counts = { rows: 0, rawBytes: 0 };
  const body: Uint8Array[] = [];
  for await (const frame of compressBlocks(arrayBytes(input.source, counts, hash), codec)) body.push(frame);
  const checksum = `sha256:${hash.digest('hex')}`;
  const head = encode(headText(input.envelope, { rowCount: counts.rows, checksum }));
  const foot = encode('}\n');
  const rawBytes = head.length + counts.rawBytes + foot.length;
  const frames = [await codec.compress(head), ...body, await codec.compress(foot)];
  const stored = await storeFrames(each(frames), { ...input, key: `${input.keyPrefix}/${input.path}` });
  return {
    path: input.path,
    kind: 'segment',
    size: stored.size,
    sha256: stored.sha256,
    rawBytes,
    rows: counts.rows,
    ...(stored.storeSha256 === undefined ? {} : { storeSha256: stored.storeSha256 }),
  };
}

/** The array from [ to ], which is what the checksum is of. */
async function* arrayBytes(
  source: SegmentInput['source'],
  counts: { rows: number; rawBytes: number },
  hash: { update(bytes: Uint8Array): unknown },
): AsyncGenerator<Uint8Array> {
  const seen = (bytes: Uint8Array) => {
    hash.update(bytes);
    counts.rawBytes += bytes.length;
    return bytes;
  };
  let open = false;
  for await (const { bytes, rows } of source) {
    counts.rows += rows;
    if (bytes.length === 0) continue;
    if (!open) yield seen(OPEN.slice());
    open = true;
    yield seen(bytes);
  }
  yield seen(open ? CLOSE.slice() : EMPTY.slice());
}

function headText(facts: EnvelopeFacts, counted: { rowCount: number; checksum: string }): string {
  const metadata = {
    export_date: facts.exportDate,
    table_name: facts.tableName,
    row_count: counted.rowCount,
    schema_version: facts.schemaVersion ?? '1.0',
    checksum: counted.checksum,
    ...(facts.part ? { part: facts.part } : {}),
  };
  return `{"metadata": ${JSON.stringify(metadata)},\n"data": `;
}

async function* each(frames: Uint8Array[]): AsyncGenerator<Uint8Array> {
  // Given away one by one, so that what is sent need not stay in memory.
  for (let frame = frames.shift(); frame; frame = frames.shift()) yield frame;
}
