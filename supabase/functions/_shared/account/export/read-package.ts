/** The bytes of a complete export, or a range of them, out of the encrypted parts. */

import { ERRORS } from '../../errors.ts';
import type { Store } from '../../stores/store.ts';
import type { Layout, Piece } from './layout.ts';
import { FRAME_BYTES, type PartCipher, partKey, SEALED_FRAME_BYTES, sealedRange } from './part-cipher.ts';

export interface StoredPackage {
  readonly store: Store;
  readonly cipher: PartCipher;
  readonly exportId: string;
  readonly layout: Layout;
}

/** `end` is exclusive. Errors of the store or the cipher come out of the stream. */
export async function* readPackage(
  stored: StoredPackage,
  range: { start: number; end: number },
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const piece of stored.layout.pieces) {
    const [part, offset, length] = piece;
    const start = Math.max(range.start - at, 0);
    const end = Math.min(range.end - at, length);
    if (start < end) yield* readPiece(stored, [part, offset + start, end - start]);
    at += length;
    if (at >= range.end) return;
  }
}

async function* readPiece(stored: StoredPackage, [part, offset, length]: Piece): AsyncGenerator<Uint8Array> {
  const { name, size } = stored.layout.parts[part]!;
  const wanted = { start: offset, end: offset + length };
  const sealed = sealedRange(wanted, size);
  const body = await stored.store.get(partKey(stored.exportId, name), sealed);
  let frame = Math.floor(offset / FRAME_BYTES);
  for await (const bytes of inFrames(body, sealed.end - sealed.start)) {
    const plain = await stored.cipher.open(name, frame, bytes);
    const begin = frame * FRAME_BYTES;
    yield plain.subarray(Math.max(wanted.start - begin, 0), Math.min(wanted.end - begin, plain.length));
    frame += 1;
  }
}

async function* inFrames(body: ReadableStream<Uint8Array>, totalBytes: number): AsyncGenerator<Uint8Array> {
  const frame = new Uint8Array(SEALED_FRAME_BYTES);
  let filled = 0;
  let seen = 0;
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, frame.length - filled);
      frame.set(chunk.subarray(at, at + count), filled);
      filled += count;
      at += count;
      if (filled === frame.length) {
        yield frame;
        filled = 0;
      }
    }
    seen += chunk.length;
  }
  if (seen !== totalBytes) throw ERRORS.EXPORT_DAMAGED(`a part has ${seen} bytes where ${totalBytes} were written`);
  if (filled > 0) yield frame.subarray(0, filled);
}
