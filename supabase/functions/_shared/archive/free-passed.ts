import { freeBuffer } from '../free-buffer.ts';
import { HELD_BYTES } from '../partial-body.ts';

/**
 * Passes frames on and frees each when the consumer, which holds no more than a packet's part of what it was given, has
 * come far enough behind it. The last ones are the collector's. Each frame must be alone in its buffer.
 */
export async function* freePassed(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const passed: Uint8Array[] = [];
  let behindBytes = 0;
  for await (const frame of frames) {
    yield frame;
    passed.push(frame);
    behindBytes += frame.length;
    while (passed.length > 1 && behindBytes - passed[0]!.length >= HELD_BYTES) {
      behindBytes -= passed[0]!.length;
      freeBuffer(passed.shift()!);
    }
  }
}
