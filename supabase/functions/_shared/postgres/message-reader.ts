/** Cuts the byte stream of a connection into messages. */
import { ERRORS } from '../errors.ts';
import type { TcpConnection } from '../platform.ts';
import { connectionLost } from './connection-lost.ts';
import { type Message, readInt32 } from './wire-messages.ts';

const HEADER_BYTES = 5;
/** PostgreSQL's own limit of one message. */
const MAX_MESSAGE_BYTES = 0x3fffffff + HEADER_BYTES;

export class MessageReader {
  readonly #connection: TcpConnection;
  #buffer = new Uint8Array(16 * 1024);
  #start = 0;
  #end = 0;

  constructor(connection: TcpConnection) {
    this.#connection = connection;
  }

  /** The next message. Throws DATABASE_CONNECTION_LOST when the stream ends or breaks. */
  async next(): Promise<Message> {
    while (this.#end - this.#start < HEADER_BYTES) await this.#fill(HEADER_BYTES);
    const size = 1 + readInt32(this.#buffer, this.#start + 1);
    if (size < HEADER_BYTES || size > MAX_MESSAGE_BYTES) {
      throw ERRORS.PROTOCOL_VIOLATED(
        `a message must be 4 to ${MAX_MESSAGE_BYTES} bytes long, the server sent ${size - 1}`,
      );
    }
    while (this.#end - this.#start < size) await this.#fill(size);
    const message = {
      type: this.#buffer[this.#start]!,
      body: this.#buffer.subarray(this.#start + HEADER_BYTES, this.#start + size),
    };
    this.#start += size;
    return message;
  }

  /** Bytes of whatever comes next: first what is buffered, then what arrives; a view valid until the next call. */
  async nextBytes(): Promise<Uint8Array> {
    if (this.#start === this.#end) return await this.#read();
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#start = 0;
    this.#end = 0;
    return bytes;
  }

  /** Puts bytes that nextBytes() gave back in front of the stream. */
  giveBack(bytes: Uint8Array): void {
    const copy = bytes.slice();
    if (copy.length > this.#buffer.length) this.#buffer = new Uint8Array(copy.length);
    this.#buffer.set(copy);
    this.#start = 0;
    this.#end = copy.length;
  }

  async #read(): Promise<Uint8Array> {
    let bytes: Uint8Array | null;
    try {
      bytes = await this.#connection.read();
    } catch (error) {
      throw connectionLost(error);
    }
    if (bytes === null) throw connectionLost(null);
    return bytes;
  }

  async #fill(wanted: number): Promise<void> {
    const bytes = await this.#read();
    const kept = this.#end - this.#start;
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(Math.max(wanted, kept + bytes.length));
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Moves what is kept to the front, of a larger buffer if need be. Bodies given out before are no longer valid. */
  #makeRoom(needed: number): void {
    const target = needed > this.#buffer.length ? new Uint8Array(Math.ceil(needed * 1.25)) : this.#buffer;
    target.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#buffer = target;
  }
}
