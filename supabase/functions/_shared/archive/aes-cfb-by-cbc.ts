/**
 * AES-256-CFB where node:crypto has no CFB, as on the edge runtime. CBC has what it takes: over the plain text P, and with
 * a block of zeros in front, CBC with CFB's feedback F as its vector gives
 *   E(F), E(P1 ^ E(F)) = E(C1), E(C2) …
 * which are the very blocks that CFB adds to the plain text: C1 = P1 ^ E(F), C2 = P2 ^ E(C1) …
 * WebCrypto has CBC too, but it copies what it is given, and leaves both copies to the collector.
 */
import { createCipheriv } from 'node:crypto';
import { freeBuffer } from '../free-buffer.ts';
import { BLOCK_BYTES, CfbChunk } from './cfb-chunk.ts';

/** Frees each chunk when the one after the next is asked for: the packet around them may hold HELD_BYTES of the last. */
export async function* aesCfbByCbc(key: Uint8Array, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunk = new CfbChunk(); // the zeros in front stay
  let passed: Uint8Array | null = null;
  let feedback = new Uint8Array(BLOCK_BYTES);
  for await (const bytes of plain) {
    for (let at = 0; at < bytes.length; ) {
      at = chunk.fill(bytes, at);
      if (!chunk.isFull) continue;
      const encrypted = encryptChunk(key, feedback, chunk);
      feedback = encrypted.slice(-BLOCK_BYTES);
      chunk.filledBytes = 0;
      yield encrypted;
      if (passed) freeBuffer(passed);
      passed = encrypted;
    }
  }
  if (chunk.filledBytes > 0) yield encryptChunk(key, feedback, chunk);
}

function encryptChunk(key: Uint8Array, feedback: Uint8Array, chunk: CfbChunk): Uint8Array {
  // From the zeros on, and without the last block of plain text: nothing is added to what would follow it.
  const cbc = createCipheriv('aes-256-cbc', key, feedback).setAutoPadding(false);
  // SAFETY: a Buffer is a Uint8Array; the types of the two runtimes disagree on it.
  const added = cbc.update(chunk.bytes.subarray(0, chunk.blockBytes)) as unknown as Uint8Array;
  cbc.final(); // gives the runtime's handle back
  chunk.addTo(new Uint32Array(added.buffer, added.byteOffset, chunk.blockBytes / 4));
  return new Uint8Array(added.buffer, added.byteOffset, chunk.filledBytes);
}
