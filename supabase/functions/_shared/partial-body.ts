/** The body of an OpenPGP packet whose length is not known at its start (RFC 4880, section 4.2.2.4). */
const PART_POWER = 18;
const PART_BYTES = 2 ** PART_POWER;
/** Of what was pushed, no more than this is still to be passed on. */
export const HELD_BYTES = PART_BYTES;
/** A part's length as one octet: 224 + the power of two. */
const PART_LENGTH = 224 + PART_POWER;
const NEW_FORMAT = 0xc0;
const LONG_LENGTH = 255;

/**
 * Cuts the body into parts of 256 kB and a last one of any length, each with its header in front. Copies nothing: what
 * is pushed is passed on as views, up to 256 kB later, and must not be changed any more.
 */
export class PartialBody {
  /** The tag, until the first header was written. */
  #tag: number[];
  #part: Uint8Array[] = [];
  #filled = 0;

  constructor(tag: number) {
    this.#tag = [NEW_FORMAT | tag];
  }

  /** Yields headers and bytes of the parts that `bytes` fill. */
  *push(bytes: Uint8Array): Generator<Uint8Array> {
    for (let taken = 0; taken < bytes.length; ) {
      const piece = bytes.subarray(taken, taken + PART_BYTES - this.#filled);
      this.#part.push(piece);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled === PART_BYTES) yield* this.#close([PART_LENGTH]);
    }
  }

  /** The last part, with a definite length: the only one that may have any. */
  *end(): Generator<Uint8Array> {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, this.#filled);
    yield* this.#close([LONG_LENGTH, ...length]);
  }

  *#close(lengthOctets: readonly number[]): Generator<Uint8Array> {
    yield Uint8Array.from([...this.#tag, ...lengthOctets]);
    yield* this.#part;
    this.#tag = [];
    this.#part = [];
    this.#filled = 0;
  }
}
