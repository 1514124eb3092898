/** Bytes of AES. */
export const BLOCK_BYTES = 16;
/** Larger than HELD_BYTES, and a multiple of a block. */
const CHUNK_BYTES = 512 * 1024;
/** What most objects of a database with many tables fit into. Large buffers for each would be the collector's work. */
const FIRST_BYTES = 16 * 1024;

/** What CFB works on at once: one block in front, at first of zeros, then the bytes that were filled in. */
export class CfbChunk {
  #bytes = new Uint8Array(BLOCK_BYTES + FIRST_BYTES);
  /** Bytes behind the block in front. Whoever worked on them sets it to 0. */
  filledBytes = 0;

  /** All of it, block in front and what is not filled; not valid after the next fill(). */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** True when there is something to work on and no room for more. */
  get isFull(): boolean {
    return this.filledBytes === CHUNK_BYTES;
  }

  /** The filled bytes in whole blocks, in bytes. */
  get blockBytes(): number {
    return Math.ceil(this.filledBytes / BLOCK_BYTES) * BLOCK_BYTES;
  }

  /** Takes as much of `source` from `from` on as there is room for; returns where it stopped. */
  fill(source: Uint8Array, from: number): number {
    const count = Math.min(source.length - from, CHUNK_BYTES - this.filledBytes);
    if (BLOCK_BYTES + this.filledBytes + count > this.#bytes.length) this.#enlarge();
    this.#bytes.set(source.subarray(from, from + count), BLOCK_BYTES + this.filledBytes);
    this.filledBytes += count;
    return from + count;
  }

  #enlarge(): void {
    const large = new Uint8Array(BLOCK_BYTES + CHUNK_BYTES);
    large.set(this.#bytes);
    this.#bytes = large;
  }

  /** Adds the filled bytes to `words`, as both directions of CFB end. */
  addTo(words: Uint32Array): void {
    const own = new Uint32Array(this.#bytes.buffer, BLOCK_BYTES, words.length);
    for (let index = 0; index < words.length; index++) words[index]! ^= own[index]!;
  }
}
