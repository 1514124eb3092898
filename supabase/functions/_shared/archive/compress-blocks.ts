import type { Codec } from './contracts.ts';

/** Rows as they come from the database. */
export interface RawBlock {
  readonly bytes: Uint8Array;
  /** Rows that end in this block. */
  readonly rows: number;
}

/** Compresses as many blocks at the same time as the codec can, and one more is read meanwhile. Order is kept. */
export async function* compressBlocks(source: AsyncIterable<Uint8Array>, codec: Codec): AsyncGenerator<Uint8Array> {
  const running: Promise<Uint8Array>[] = [];
  for await (const block of source) {
    const frame = codec.compress(block);
    frame.catch(() => {}); // awaited below in order; an earlier failure must not leave it unhandled
    running.push(frame);
    if (running.length > (codec.parallel ?? 1)) yield await running.shift()!;
  }
  for (const frame of running) yield await frame;
}
