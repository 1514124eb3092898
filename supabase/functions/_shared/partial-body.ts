/** The body of an OpenPGP packet whose length is not known at its start (RFC 4880, section 4.2.2.4). */
const PART_POWER = 18;
const PART_BYTES = 2 ** PART_POWER;
/** A part's length as one octet: 224 + the power of two. */
const PART_LENGTH = 224 + PART_POWER;
const NEW_FORMAT = 0xc0;
const LONG_LENGTH = 255;
/** What a part begins with: most messages are smaller, and a large buffer for each would be the collector's work. */
const FIRST_BYTES = 16 * 1024;

/** Cuts the body into parts of 256 kB and a last one of any length, each with its header in front. */
export class PartialBody {
  /** Tag and length octets that the next part begins with; the tag only once. */
  #head: number[];
  #part: Uint8Array | null = null;
  #filled = 0;

  constructor(tag: number) {
    this.#head = [NEW_FORMAT | tag];
  }

  /** Copies the bytes and yields the parts that they fill. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let taken = 0; taken < bytes.length; ) {
      const part = this.#open(bytes.length - taken);
      const count = Math.min(bytes.length - taken, part.length - this.#filled);
      part.set(bytes.subarray(taken, taken + count), this.#filled);
      this.#filled += count;
      taken += count;
      if (this.#filled < this.#partSize) continue;
      this.#part = null;
      this.#head = [];
      yield part;
    }
  }

  /** The last part, with a definite length: the only one that may have any. */
  end(): Uint8Array {
    const from = this.#head.length + 1;
    const rest = this.#part?.subarray(from, this.#filled) ?? new Uint8Array(0);
    const last = new Uint8Array(this.#head.length + 5 + rest.length);
    last.set([...this.#head, LONG_LENGTH]);
    new DataView(last.buffer).setUint32(this.#head.length + 1, rest.length);
    last.set(rest, this.#head.length + 5);
    return last;
  }

  /** Header and body of the part that is being filled. */
  get #partSize(): number {
    return this.#head.length + 1 + PART_BYTES;
  }

  /** The part with room for `wanted` bytes more, or for as many as a part has. */
  #open(wanted: number): Uint8Array {
    if (this.#part === null) {
      const header = [...this.#head, PART_LENGTH];
      this.#part = new Uint8Array(wanted <= FIRST_BYTES ? header.length + FIRST_BYTES : this.#partSize);
      this.#part.set(header);
      this.#filled = header.length;
    } else if (this.#filled + wanted > this.#part.length && this.#part.length < this.#partSize) {
      const large = new Uint8Array(this.#partSize);
      large.set(this.#part);
      this.#part = large;
    }
    return this.#part;
  }
}
