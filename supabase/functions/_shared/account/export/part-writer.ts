/** Writes one part of an export to the store, frame by frame: memory is one frame and what the store's writer holds. */
import type { ObjectWriter, Store } from '../../stores/store.ts';
import { FRAME_BYTES, newPartName, type PartCipher, partKey } from './part-cipher.ts';

export interface WrittenPart {
  readonly name: string;
  /** Before encryption. */
  readonly size: number;
}

export interface PartWriterOptions {
  readonly store: Store;
  readonly cipher: PartCipher;
  readonly exportId: string;
  readonly ordinal: number;
}

export class PartWriter {
  readonly name: string;
  readonly #cipher: PartCipher;
  readonly #writer: ObjectWriter;
  readonly #frame = new Uint8Array(FRAME_BYTES);
  #filled = 0;
  #frames = 0;

  constructor({ store, cipher, exportId, ordinal }: PartWriterOptions) {
    this.name = newPartName(ordinal);
    this.#cipher = cipher;
    this.#writer = store.openWriter(partKey(exportId, this.name), { contentType: 'application/octet-stream' });
  }

  /** Plain bytes so far. */
  get size(): number {
    return this.#frames * FRAME_BYTES + this.#filled;
  }

  /** Takes a copy before it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, FRAME_BYTES - this.#filled);
      this.#frame.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      if (this.#filled === FRAME_BYTES) await this.#seal();
    }
  }

  async finish(): Promise<WrittenPart> {
    const size = this.size;
    if (this.#filled > 0) await this.#seal();
    await this.#writer.finish();
    return { name: this.name, size };
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  async #seal(): Promise<void> {
    const frame = this.#frame.subarray(0, this.#filled);
    await this.#writer.write(await this.#cipher.seal(this.name, this.#frames, frame));
    this.#frames += 1;
    this.#filled = 0;
  }
}
