import { FIRST_PART_BYTES, SINGLE_PUT_BYTES } from './s3-part-sizes.ts';

/** As many objects as are commonly written at the same time. */
const MOST_KEPT = 3;
/** Sizes the first buffer grows through, so that a small object does not hold the memory of a large one. */
const GROWTH_BYTES = [64 * 1024, 1024 * 1024, FIRST_PART_BYTES, SINGLE_PUT_BYTES];

/**
 * Large buffers of objects that were sent: an export stores one object after the other, most of them of a slice's size.
 * The largest are kept and given first: who gets one need not grow, and touching fresh memory costs more than copying.
 */
export class SpareParts {
  /** Ascending by length. */
  readonly #kept: Uint8Array[] = [];

  put(bytes: Uint8Array): void {
    if (bytes.length < FIRST_PART_BYTES || bytes.length > SINGLE_PUT_BYTES) return;
    this.#kept.push(bytes);
    this.#kept.sort((a, b) => a.length - b.length);
    if (this.#kept.length > MOST_KEPT) this.#kept.shift();
  }

  /** One of at least so many bytes, or null. */
  take(neededBytes: number): Uint8Array | null {
    const largest = this.#kept.at(-1);
    return largest !== undefined && largest.length >= neededBytes ? this.#kept.pop()! : null;
  }
}

/** Bytes that wait to be sent. take() never returns more than fits; growing keeps what is there. */
export class PartBuffer {
  readonly #spare: SpareParts;
  #bytes = new Uint8Array(0);
  #filled = 0;

  constructor(spare: SpareParts = new SpareParts()) {
    this.#spare = spare;
  }

  get filledBytes(): number {
    return this.#filled;
  }

  /** A view, valid until the next append or reset. */
  get view(): Uint8Array {
    return this.#bytes.subarray(0, this.#filled);
  }

  /** Copies as much of `source` as fits below `limitBytes`; returns how many bytes that was. */
  append(source: Uint8Array, limitBytes: number): number {
    const taken = Math.min(source.length, limitBytes - this.#filled);
    this.#reserve(this.#filled + taken, limitBytes);
    this.#bytes.set(source.subarray(0, taken), this.#filled);
    this.#filled += taken;
    return taken;
  }

  /** Forgets the content and keeps the memory. */
  reset(): void {
    this.#filled = 0;
  }

  /** Takes over `bytes` as memory to fill from its start. */
  adopt(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#filled = 0;
  }

  /** Gives the memory away; this buffer is empty afterwards. */
  release(): Uint8Array {
    const bytes = this.#bytes;
    this.adopt(new Uint8Array(0));
    return bytes;
  }

  #reserve(neededBytes: number, limitBytes: number): void {
    if (neededBytes <= this.#bytes.length) return;
    const size = Math.min(GROWTH_BYTES.find((step) => step >= neededBytes) ?? limitBytes, limitBytes);
    // What is tiny stays tiny.
    const grown = (size > GROWTH_BYTES[0]! ? this.#spare.take(size) : null) ?? new Uint8Array(size);
    grown.set(this.view);
    this.#spare.put(this.#bytes);
    this.#bytes = grown;
  }
}
