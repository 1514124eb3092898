/**
 * Turns a binary COPY of one json column into the rows' JSON joined by ",\n". Binary, because COPY's text format would
 * escape backslashes and the JSON would have to be unescaped byte by byte; the binary value of json is its text.
 */
import { ERRORS } from '../errors.ts';
import type { CopyBlock } from './session.ts';
import { readInt32 } from './wire-messages.ts';

/** "PGCOPY\n\xff\r\n\0", flags, length of the header's extension. */
const FILE_HEADER_BYTES = 19;
const SIGNATURE = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00];
/** int16 count of fields, int32 length of the one field. */
const TUPLE_HEADER_BYTES = 6;
const FIELD_COUNT_BYTES = 2;
const TRAILER = -1;
const SEPARATOR = new Uint8Array([0x2c, 0x0a]);

export class JsonRows {
  readonly #header = new Uint8Array(FILE_HEADER_BYTES);
  #headerFilled = 0;
  #inFile = false;
  #ended = false;
  #missing = 0;
  #begun = false;

  /** The same rows without the binary framing, in a fresh buffer. Throws PROTOCOL_VIOLATED. */
  transform(block: CopyBlock): CopyBlock {
    // A row gives up 6 bytes of header for 2 of separator; the 2 more are for a header that came with the block before.
    const output = new Uint8Array(block.bytes.length + SEPARATOR.length);
    let filled = 0;
    let rows = 0;
    for (let position = 0; position < block.bytes.length; ) {
      if (this.#missing === 0) {
        position += this.#continueHeader(block.bytes, position);
        if (this.#missing > 0 && this.#begun) {
          output.set(SEPARATOR, filled);
          filled += SEPARATOR.length;
        }
        this.#begun ||= this.#missing > 0;
        continue;
      }
      const count = Math.min(this.#missing, block.bytes.length - position);
      output.set(block.bytes.subarray(position, position + count), filled);
      filled += count;
      position += count;
      this.#missing -= count;
      if (this.#missing === 0) rows++;
    }
    return { bytes: output.subarray(0, filled), rows };
  }

  #continueHeader(bytes: Uint8Array, position: number): number {
    if (this.#ended) throw ERRORS.PROTOCOL_VIOLATED('nothing may follow the trailer of a binary copy');
    // The trailer is shorter than a tuple's header, so the count of fields is read first.
    const tuple = this.#headerFilled < FIELD_COUNT_BYTES ? FIELD_COUNT_BYTES : TUPLE_HEADER_BYTES;
    const wanted = this.#inFile ? tuple : FILE_HEADER_BYTES;
    const count = Math.min(wanted - this.#headerFilled, bytes.length - position);
    this.#header.set(bytes.subarray(position, position + count), this.#headerFilled);
    this.#headerFilled += count;
    if (this.#inFile) this.#readTupleHeader();
    else if (this.#headerFilled === wanted) this.#readFileHeader();
    return count;
  }

  #readFileHeader(): void {
    const known = SIGNATURE.every((byte, index) => this.#header[index] === byte);
    if (!known || readInt32(this.#header, 15) !== 0)
      throw ERRORS.PROTOCOL_VIOLATED('the binary copy has an unknown header');
    this.#inFile = true;
    this.#headerFilled = 0;
  }

  #readTupleHeader(): void {
    if (this.#headerFilled < FIELD_COUNT_BYTES) return;
    const fields = ((this.#header[0]! << 24) >> 16) | this.#header[1]!;
    if (fields === TRAILER) {
      this.#ended = true;
      return;
    }
    if (fields !== 1) throw ERRORS.PROTOCOL_VIOLATED(`a json copy must have 1 field per row, it has ${fields}`);
    if (this.#headerFilled < TUPLE_HEADER_BYTES) return;
    this.#missing = readInt32(this.#header, 2);
    if (this.#missing < 1) throw ERRORS.PROTOCOL_VIOLATED('a row of a json copy must not be null or empty');
    this.#headerFilled = 0;
  }
}
