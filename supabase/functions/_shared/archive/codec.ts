/** Compression of an archive's objects: every block becomes frames of its own, and frames simply follow each other. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { ERRORS } from '../errors.ts';
import type { CpuPool } from '../platform.ts';
import { SpareBlocks } from '../spare-blocks.ts';
import { concatBytes } from './concat-bytes.ts';
import type { Codec, CodecName } from './contracts.ts';
import { loadZstd } from './zstd.ts';

export interface CodecOptions {
  /** zstd 1 to 4, default 1; gzip 1 to 9, default 6. */
  readonly level?: number;
  /** Threads that compress zstd frames at the same time; without it zstd runs on this thread. */
  readonly pool?: CpuPool;
}

/** A larger block becomes several frames, so that the memory of WebAssembly does not grow with the largest row. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;

/** The strategies of higher levels are not in our build. */
const MAX_ZSTD_LEVEL = 4;

// SAFETY: a Buffer is a Uint8Array; the types of the two runtimes disagree on it.
const gzipAsync = promisify(gzip) as unknown as (bytes: Uint8Array, options: { level: number }) => Promise<Uint8Array>;

/** Throws CONFIG_INVALID for a level that the codec does not have. */
export function createCodec(name: CodecName, options: CodecOptions = {}): Codec {
  const parallel = options.pool?.size ?? 1;
  if (name === 'none') return { name, extension: '', parallel: 1, compress: async (block) => block };
  if (name === 'gzip') {
    const level = checkLevel(name, options.level ?? 6, 9);
    return {
      name,
      extension: '.gz',
      parallel,
      compress: (block) => inFrames(block, (piece) => gzipAsync(piece, { level })),
    };
  }
  const level = checkLevel(name, options.level ?? 1, MAX_ZSTD_LEVEL);
  const { pool } = options;
  const compress = (frame: (piece: Uint8Array) => Promise<Uint8Array>) => (block: Uint8Array) => inFrames(block, frame);
  if (pool) {
    const spareBlock = (sizeBytes: number) => pool.spareBlock?.(sizeBytes) ?? null;
    return { name, extension: '.zst', parallel, compress: compress((piece) => pool.zstd(piece, level)), spareBlock };
  }
  const spare = new SpareBlocks();
  const frame = async (piece: Uint8Array) => {
    const compressed = (await loadZstd()).compress(piece, level);
    spare.put(piece);
    return compressed;
  };
  return {
    name,
    extension: '.zst',
    parallel,
    compress: compress(frame),
    spareBlock: (bytes) => spare.take(bytes),
    ownsFrames: true,
  };
}

function checkLevel(name: CodecName, level: number, max: number): number {
  if (Number.isInteger(level) && level >= 1 && level <= max) return level;
  throw ERRORS.CONFIG_INVALID(`the level of ${name} is a whole number from 1 to ${max}, not ${level}`);
}

async function inFrames(block: Uint8Array, frame: (piece: Uint8Array) => Promise<Uint8Array>): Promise<Uint8Array> {
  if (block.length <= MAX_FRAME_BYTES) return await frame(block);
  const pieces: Promise<Uint8Array>[] = [];
  for (let start = 0; start < block.length; start += MAX_FRAME_BYTES) {
    // A copy: a pool takes the whole buffer that it is given.
    pieces.push(frame(block.slice(start, start + MAX_FRAME_BYTES)));
  }
  return concatBytes(await Promise.all(pieces));
}
