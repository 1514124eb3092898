import { STORE_ERRORS } from '../errors/store.ts';

/** A stream of one block; empty for no bytes. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}

/** Collects a stream; throws OBJECT_TOO_LARGE (and cancels the stream) as soon as it is longer than `maxBytes`. */
export async function readAll(
  stream: ReadableStream<Uint8Array>,
  options: { key: string; maxBytes: number },
): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      sizeBytes += value.length;
      assertWithin(sizeBytes, options);
      blocks.push(value);
    }
  } catch (error) {
    // The first error is the one to report; a stream that already failed rejects its own cancellation with the same.
    await reader.cancel().catch(() => undefined);
    throw error;
  }
  return blocks.length === 1 && blocks[0] ? blocks[0] : concat(blocks, sizeBytes);
}

export function assertWithin(sizeBytes: number, { key, maxBytes }: { key: string; maxBytes: number }): void {
  if (sizeBytes <= maxBytes) return;
  throw STORE_ERRORS.OBJECT_TOO_LARGE(`object '${key}' must have at most ${maxBytes} bytes to be read into memory`);
}

export function concat(blocks: Uint8Array[], sizeBytes: number): Uint8Array {
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}
