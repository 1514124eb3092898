/**
 * One object of an archive: blocks → codec → cipher → store. The stages overlap: while a block is encrypted and sent,
 * the next are read and compressed. Memory is bounded by a few blocks and one part of the store's upload.
 */
import type { Store } from '../stores/store.ts';
import { compressBlocks, type RawBlock } from './compress-blocks.ts';
import type { Cipher, Codec, StoredObject } from './contracts.ts';
import { freePassed } from './free-passed.ts';
import { readAhead } from './read-ahead.ts';
import { storeFrames } from './store-frames.ts';

export interface SegmentInput {
  readonly source: AsyncIterable<RawBlock>;
  /** Bytes before and after the rows, for instance a header line; part of rawBytes. */
  readonly head?: Uint8Array;
  readonly foot?: Uint8Array;
  readonly codec: Codec;
  readonly cipher: Cipher;
  readonly store: Store;
  /** The backup's folder in the store, without a slash at the end. */
  readonly keyPrefix: string;
  /** Relative to that folder. */
  readonly path: string;
  /** Default `segment`. */
  readonly kind?: StoredObject['kind'];
  readonly signal?: AbortSignal;
}

/**
 * Throws what the source, the codec, the cipher or the store throws, unwrapped; then the source is ended and nothing is
 * left in the store.
 */
export async function writeSegment(input: SegmentInput): Promise<StoredObject> {
  const { codec, kind = 'segment' } = input;
  const counts = { rows: 0, rawBytes: 0 };
  const frames = readAhead(compressBlocks(rawBytes(input, counts), codec), codec.parallel ?? 1);
  const stored = await storeFrames(codec.ownsFrames ? freePassed(frames) : frames, {
    ...input,
    key: `${input.keyPrefix}/${input.path}`,
  });
  return {
    path: input.path,
    kind,
    size: stored.size,
    sha256: stored.sha256,
    rawBytes: counts.rawBytes,
    ...(kind === 'segment' ? { rows: counts.rows } : {}),
    ...(stored.storeSha256 === undefined ? {} : { storeSha256: stored.storeSha256 }),
  };
}

async function* rawBytes(
  { source, head, foot }: Pick<SegmentInput, 'source' | 'head' | 'foot'>,
  counts: { rows: number; rawBytes: number },
): AsyncGenerator<Uint8Array> {
  let blocks = 0;
  const count = (bytes: Uint8Array) => {
    blocks += 1;
    counts.rawBytes += bytes.length;
    return bytes;
  };
  if (head) yield count(head);
  for await (const block of source) {
    counts.rows += block.rows;
    yield count(block.bytes);
  }
  if (foot) yield count(foot);
  // No frame at all is not a valid stream for zstd or gunzip; a frame of nothing is.
  if (blocks === 0) yield new Uint8Array(0);
}
