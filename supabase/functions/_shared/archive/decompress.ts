import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ERRORS } from '../errors.ts';
import { concatBytes } from './concat-bytes.ts';
import type { CodecName } from './contracts.ts';
import { loadZstd } from './zstd.ts';
import { findFrame } from './zstd-frames.ts';

/** One frame must fit in memory twice; Holdfast writes 4 MiB at most. */
const MAX_FRAME_BYTES = 256 * 1024 * 1024;

/**
 * The content of a stream of zstd frames or gzip members; memory is bounded by one frame.
 * Throws ARCHIVE_DAMAGED when the stream is cut off, empty or not of that codec.
 */
export function decompress(codec: CodecName, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  if (codec === 'none') return source;
  return codec === 'gzip' ? gunzip(source) : unzstd(source);
}

async function* unzstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const zstd = await loadZstd();
  const input = new FrameInput();
  for await (const bytes of source) {
    if (!input.add(bytes)) continue;
    for (const frame of input.take()) yield zstd.decompress(frame.bytes, frame.contentSize);
  }
  for (const frame of input.take()) yield zstd.decompress(frame.bytes, frame.contentSize);
  input.end();
}

/** Collects bytes until a frame is whole. */
class FrameInput {
  #rest: Uint8Array = new Uint8Array(0);
  #added: Uint8Array[] = [];
  #addedBytes = 0;
  #frames = 0;

  /** True when it is worth looking for frames: joining at every read would copy a large frame once per read. */
  add(bytes: Uint8Array): boolean {
    this.#added.push(bytes.slice());
    this.#addedBytes += bytes.length;
    refuseHuge(this.#rest.length + this.#addedBytes - bytes.length);
    return this.#addedBytes >= this.#rest.length;
  }

  *take(): Generator<{ bytes: Uint8Array; contentSize: number }> {
    this.#rest = concatBytes([this.#rest, ...this.#added]);
    this.#added = [];
    this.#addedBytes = 0;
    for (let frame = findFrame(this.#rest); frame; frame = findFrame(this.#rest)) {
      refuseHuge(frame.contentSize);
      this.#frames += 1;
      const bytes = this.#rest.subarray(0, frame.size);
      this.#rest = this.#rest.subarray(frame.size);
      if (frame.contentSize > 0) yield { bytes, contentSize: frame.contentSize };
    }
  }

  end(): void {
    const left = this.#rest.length;
    if (left > 0) throw ERRORS.ARCHIVE_DAMAGED(`the zstd stream is cut off: its last ${left} bytes are half a frame`);
    if (this.#frames === 0) throw ERRORS.ARCHIVE_DAMAGED('the zstd stream is empty');
  }
}

function refuseHuge(sizeBytes: number): void {
  if (sizeBytes <= MAX_FRAME_BYTES) return;
  throw ERRORS.ARCHIVE_DAMAGED(`a zstd frame has ${sizeBytes} bytes; frames have at most ${MAX_FRAME_BYTES}`);
}

async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  let size = 0;
  const from = Readable.from(
    counted(source, (bytes) => (size += bytes)),
    { objectMode: false },
  );
  const to = createGunzip({ chunkSize: 256 * 1024 });
  from.on('error', (error) => {
    failure = error;
    to.destroy(error);
  });
  try {
    for await (const bytes of from.pipe(to)) yield bytes as Uint8Array;
    if (size === 0) throw new Error('it is empty');
  } catch (error) {
    // What the source threw is its own affair; only gzip's complaints mean damage.
    if (failure) throw failure;
    throw ERRORS.ARCHIVE_DAMAGED(`the gzip stream does not decompress: ${(error as Error).message}`, { cause: error });
  } finally {
    from.destroy();
    to.destroy();
  }
}

async function* counted(source: AsyncIterable<Uint8Array>, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    count(bytes.length);
    yield bytes;
  }
}
