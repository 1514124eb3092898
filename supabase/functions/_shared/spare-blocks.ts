/** More are more memory, and no faster: what is read ahead of compression is a few blocks. */
const MOST_KEPT = 4;

/** Buffers to be filled again: the collector runs by how many bytes were allocated, not by how many are in use. */
export class SpareBlocks {
  readonly #kept: Uint8Array[] = [];
  #wantedBytes = 0;

  /**
   * Takes back a block that nobody reads any more, and keeps it when its buffer is as large as those that are asked for.
   * A small view is let go: its buffer may be somebody else's.
   */
  put(block: Uint8Array): void {
    const { buffer } = block;
    if (buffer.byteLength !== this.#wantedBytes || this.#kept.length >= MOST_KEPT) return;
    if (block.length * 2 >= buffer.byteLength) this.#kept.push(new Uint8Array(buffer));
  }

  /** Also says what size is worth keeping. */
  take(sizeBytes: number): Uint8Array | null {
    if (sizeBytes !== this.#wantedBytes) this.#kept.length = 0;
    this.#wantedBytes = sizeBytes;
    return this.#kept.pop() ?? null;
  }
}
