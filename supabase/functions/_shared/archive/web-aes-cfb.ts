/**
 * AES-256-CFB by WebCrypto, which has no CFB (nor has node:crypto on the edge runtime). CBC has what it takes: over the
 * plain text P, and with a block of zeros in front, CBC with CFB's feedback F as its vector gives
 *   E(F), E(P1 ^ E(F)) = E(C1), E(C2) …
 * which are the very blocks that CFB adds to the plain text: C1 = P1 ^ E(F), C2 = P2 ^ E(C1) …
 */
import { freeBuffer } from '../free-buffer.ts';

const BLOCK_BYTES = 16;
/** A call costs a trip to another thread, so it is to be worth it. A multiple of a block. */
const CHUNK_BYTES = 512 * 1024;
/** What most objects of a database with many tables fit into. Large buffers for each would be the collector's work. */
const FIRST_BYTES = 16 * 1024;

/** Frees each chunk when the one after the next is asked for: the packet around them may hold HELD_BYTES of the last. */
export async function* webAesCfb(key: Uint8Array, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const cbc = await crypto.subtle.importKey('raw', key, 'AES-CBC', false, ['encrypt']);
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
      const encrypted = await encryptChunk(cbc, { feedback, chunk, sizeBytes: filled });
      feedback = encrypted.slice(-BLOCK_BYTES);
      filled = 0;
      yield encrypted;
      if (passed) freeBuffer(passed);
      passed = encrypted;
    }
  }
  if (filled > 0) yield await encryptChunk(cbc, { feedback, chunk, sizeBytes: filled });
}

async function encryptChunk(
  cbc: CryptoKey,
  { feedback, chunk, sizeBytes }: { feedback: Uint8Array; chunk: Uint8Array; sizeBytes: number },
): Promise<Uint8Array> {
  const blocks = Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
  // From the zeros on, and without the last block of plain text: nothing is added to what would follow it.
  const added = await crypto.subtle.encrypt({ name: 'AES-CBC', iv: feedback }, cbc, chunk.subarray(0, blocks));
  const words = new Uint32Array(added, 0, blocks / 4);
  const plain = new Uint32Array(chunk.buffer, BLOCK_BYTES, blocks / 4);
  for (let index = 0; index < words.length; index++) words[index]! ^= plain[index]!;
  return new Uint8Array(added, 0, sizeBytes);
}

function enlarged(chunk: Uint8Array): Uint8Array {
  const large = new Uint8Array(BLOCK_BYTES + CHUNK_BYTES);
  large.set(chunk);
  return large;
}
