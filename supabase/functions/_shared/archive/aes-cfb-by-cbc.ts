/**
 * AES-256-CFB where node:crypto has no CFB, as on the edge runtime. CBC has what it takes: over the plain text P, and with
 * a block of zeros in front, CBC with CFB's feedback F as its vector gives
 *   E(F), E(P1 ^ E(F)) = E(C1), E(C2) …
 * which are the very blocks that CFB adds to the plain text: C1 = P1 ^ E(F), C2 = P2 ^ E(C1) …
 * WebCrypto has CBC too, but it copies what it is given, and leaves both copies to the collector.
 */
import { createCipheriv } from 'node:crypto';
import { freeBuffer } from '../free-buffer.ts';

const BLOCK_BYTES = 16;
/** Larger than HELD_BYTES, and a multiple of a block. */
const CHUNK_BYTES = 512 * 1024;
/** What most objects of a database with many tables fit into. Large buffers for each would be the collector's work. */
const FIRST_BYTES = 16 * 1024;

/** Frees each chunk when the one after the next is asked for: the packet around them may hold HELD_BYTES of the last. */
export async function* aesCfbByCbc(key: Uint8Array, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(BLOCK_BYTES + FIRST_BYTES); // the zeros in front stay
  let filled = 0;
  let passed: Uint8Array | null = null;
  let feedback = new Uint8Array(BLOCK_BYTES);
  for await (const bytes of plain) {
    for (let taken = 0; taken < bytes.length; ) {
      const count = Math.min(bytes.length - taken, CHUNK_BYTES - filled);
      if (BLOCK_BYTES + filled + count > chunk.length) chunk = enlarged(chunk);
      chunk.set(bytes.subarray(taken, taken + count), BLOCK_BYTES + filled);
      taken += count;
      filled += count;
      if (filled < CHUNK_BYTES) continue;
      const encrypted = encryptChunk(key, { feedback, chunk, sizeBytes: filled });
      feedback = encrypted.slice(-BLOCK_BYTES);
      filled = 0;
      yield encrypted;
      if (passed) freeBuffer(passed);
      passed = encrypted;
    }
  }
  if (filled > 0) yield encryptChunk(key, { feedback, chunk, sizeBytes: filled });
}

function encryptChunk(
  key: Uint8Array,
  { feedback, chunk, sizeBytes }: { feedback: Uint8Array; chunk: Uint8Array; sizeBytes: number },
): Uint8Array {
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  // From the zeros on, and without the last block of plain text: nothing is added to what would follow it.
  const cbc = createCipheriv('aes-256-cbc', key, feedback).setAutoPadding(false);
  // SAFETY: a Buffer is a Uint8Array; the types of the two runtimes disagree on it.
  const added = cbc.update(chunk.subarray(0, blocks)) as unknown as Uint8Array;
  cbc.final(); // gives the runtime's handle back
  const words = new Uint32Array(added.buffer, added.byteOffset, blocks / 4);
  const plain = new Uint32Array(chunk.buffer, BLOCK_BYTES, blocks / 4);
  for (let index = 0; index < words.length; index++) words[index]! ^= plain[index]!;
  return new Uint8Array(added.buffer, added.byteOffset, sizeBytes);
}

function enlarged(chunk: Uint8Array): Uint8Array {
  const large = new Uint8Array(BLOCK_BYTES + CHUNK_BYTES);
  large.set(chunk);
  return large;
}
