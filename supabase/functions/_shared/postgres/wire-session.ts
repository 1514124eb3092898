/** The session over one logged-in connection: simple queries and COPY, one at a time. */
import { ERRORS, HoldfastError } from '../errors.ts';
import { send } from './connection-lost.ts';
import { CopyFrames } from './copy-frames.ts';
import { JsonRows } from './copy-json-rows.ts';
import type { Login } from './login.ts';
import { queryFailed } from './query-failed.ts';
import type { CopyBlock, CopyOptions, PgSession } from './session.ts';
import {
  decodeErrorFields,
  decodeRow,
  decodeRowCount,
  type ErrorFields,
  encodeMessage,
  encodeStrings,
  MESSAGE,
  type Message,
  writeInt32,
} from './wire-messages.ts';

const DEFAULT_BLOCK_BYTES = 1024 * 1024;
/** Well below the server's limit of 1 GiB a message, so that no buffer of ours gets that large either. */
const MAX_COPY_DATA_BYTES = 8 * 1024 * 1024;
const EMPTY = new Uint8Array(0);
const FATAL = new Set(['FATAL', 'PANIC']);

export class WireSession implements PgSession {
  readonly serverVersion: string;
  readonly serverVersionNum: number;
  readonly backendPid: number;
  readonly #login: Login;
  #busy = false;
  #closed = false;
  /** Serves the next copy: a block for each of many small tables would be the collector's work. */
  #spareBlock: Uint8Array | null = null;

  constructor(login: Login) {
    this.#login = login;
    this.backendPid = login.backendPid;
    this.serverVersion = login.parameters.get('server_version') ?? '';
    this.serverVersionNum = versionNumber(this.serverVersion);
  }

  async query(sql: string): Promise<(string | null)[][]> {
    this.#begin();
    let rows: (string | null)[][] = [];
    await this.#guarded(async () => {
      await send(this.#login.connection, encodeStrings('Q', sql));
      await this.#untilReady((message) => {
        if (message.type === MESSAGE.rowDescription) rows = [];
        else if (message.type === MESSAGE.dataRow) rows.push(decodeRow(message.body));
        else if (isCopyResponse(message)) throw ERRORS.PROTOCOL_VIOLATED('query() must not be given a copy statement');
      });
    });
    return rows;
  }

  async *copyOut(sql: string, options: CopyOptions = {}): AsyncGenerator<CopyBlock> {
    this.#begin();
    let finished = false;
    try {
      await send(this.#login.connection, encodeStrings('Q', sql));
      await this.#untilCopy(MESSAGE.copyOutResponse);
      const json = options.framing === 'json' ? new JsonRows() : null;
      let headerRows = options.headerRows ?? 0;
      for await (const block of this.#frames(options)) {
        const skipped = Math.min(headerRows, block.rows);
        headerRows -= skipped;
        const counted = skipped === 0 ? block : { bytes: block.bytes, rows: block.rows - skipped };
        yield json === null ? counted : json.transform(counted);
      }
      await this.#untilReady(() => {});
      finished = true;
    } catch (error) {
      finished = isQueryError(error);
      throw error;
    } finally {
      // A reader that stops early, or a broken stream: closing the socket is what makes the server stop.
      if (!finished) this.#drop();
      this.#busy = false;
    }
  }

  async copyIn(sql: string, source: AsyncIterable<Uint8Array>): Promise<number> {
    this.#begin();
    let rows = 0;
    let sourceFailure: { error: unknown } | null = null;
    await this.#guarded(async () => {
      await send(this.#login.connection, encodeStrings('Q', sql));
      await this.#untilCopy(MESSAGE.copyInResponse);
      const answer = this.#untilReady((message) => {
        if (message.type === MESSAGE.commandComplete) rows = decodeRowCount(message.body);
      });
      sourceFailure = await this.#feed(source, answer);
      await answer.catch((error) => {
        // After our own CopyFail the server answers with that failure; the caller is to see the cause.
        if (sourceFailure === null || !isQueryError(error)) throw error;
      });
    });
    if (sourceFailure !== null) throw (sourceFailure as { error: unknown }).error;
    return rows;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const polite = !this.#busy;
    this.#closed = true;
    // The connection is given up either way; the farewell only spares the server a log line.
    if (polite) await this.#login.connection.write(encodeMessage('X', EMPTY)).catch(() => {});
    this.#login.connection.close();
  }

  #begin(): void {
    if (this.#closed) throw ERRORS.DATABASE_CONNECTION_LOST('the session is closed');
    if (this.#busy) throw ERRORS.SESSION_BUSY('a session does one thing at a time, and the one before has not ended');
    this.#busy = true;
  }

  #drop(): void {
    this.#closed = true;
    this.#login.connection.close();
  }

  /** After an ErrorResponse the session goes on; after anything else nobody knows where the stream stands. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!isQueryError(error)) this.#drop();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /** Reads to ReadyForQuery and throws the first error met on the way. */
  async #untilReady(visit: (message: Message) => void): Promise<void> {
    let failure: ErrorFields | null = null;
    for (;;) {
      const message = await this.#login.reader.next();
      if (message.type === MESSAGE.readyForQuery) break;
      if (message.type === MESSAGE.errorResponse) {
        failure ??= decodeErrorFields(message.body);
        if (FATAL.has(failure.V ?? '')) break;
      } else {
        visit(message);
      }
    }
    if (failure === null) return;
    if (FATAL.has(failure.V ?? '')) this.#drop();
    throw queryFailed(failure);
  }

  async #untilCopy(expected: number): Promise<void> {
    for (;;) {
      const message = await this.#login.reader.next();
      if (message.type === expected) return;
      if (message.type === MESSAGE.errorResponse) {
        const fields = decodeErrorFields(message.body);
        if (FATAL.has(fields.V ?? '')) this.#drop();
        else await this.#untilReady(() => {});
        throw queryFailed(fields);
      }
      if (isCopyResponse(message) || message.type === MESSAGE.readyForQuery) {
        throw ERRORS.PROTOCOL_VIOLATED('the statement given was no copy in the direction asked for');
      }
    }
  }

  /** Blocks until the server's next other message, which is left for #untilReady. */
  async *#frames(options: CopyOptions): AsyncGenerator<CopyBlock> {
    const { reader } = this.#login;
    const blockBytes = options.blockBytes ?? DEFAULT_BLOCK_BYTES;
    const frames = new CopyFrames(blockBytes, () => {
      const left = this.#spareBlock;
      this.#spareBlock = null;
      return left ?? options.spareBlock?.(blockBytes) ?? null;
    });
    const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
    for (let ended = false; !ended; ) {
      const chunk = await reader.nextBytes();
      for (let position = 0; position < chunk.length && !ended; ) {
        position = frames.push(chunk, position);
        if (frames.payloadBytes > maxBytes) throw tooLarge(maxBytes);
        if (position === chunk.length) break;
        ended = frames.betweenMessages && chunk[position] !== MESSAGE.copyData;
        if (ended) reader.giveBack(chunk.subarray(position));
        else {
          const block = frames.take();
          if (block !== null) yield block;
        }
      }
    }
    const last = frames.take();
    this.#spareBlock = frames.spare;
    if (last !== null) yield last;
  }

  /** Sends the source; returns its error, if it had one, after telling the server to forget what came. */
  async #feed(source: AsyncIterable<Uint8Array>, answer: Promise<void>): Promise<{ error: unknown } | null> {
    const { connection } = this.#login;
    let refused = false;
    answer.catch(() => {
      refused = true;
    });
    try {
      for await (const bytes of source) {
        // The server said no: it would read the rest only to throw it away.
        if (refused) return null;
        for (let offset = 0; offset < bytes.length; offset += MAX_COPY_DATA_BYTES) {
          await send(connection, copyData(bytes.subarray(offset, offset + MAX_COPY_DATA_BYTES)));
        }
      }
    } catch (error) {
      if (isConnectionLost(error)) throw error;
      await send(connection, encodeStrings('f', 'the source of the copy failed'));
      return { error };
    }
    if (!refused) await send(connection, encodeMessage('c', EMPTY));
    return null;
  }
}

/** One buffer with header and payload, so that it is one write. */
function copyData(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(5 + bytes.length);
  message[0] = MESSAGE.copyData;
  writeInt32(message, { offset: 1, value: 4 + bytes.length });
  message.set(bytes, 5);
  return message;
}

function isCopyResponse(message: Message): boolean {
  const { copyInResponse, copyOutResponse, copyBothResponse } = MESSAGE;
  return message.type === copyInResponse || message.type === copyOutResponse || message.type === copyBothResponse;
}

const QUERY_ERRORS = new Set(['QUERY_FAILED', 'QUERY_INTERRUPTED', 'SNAPSHOT_LOST']);
const isQueryError = (error: unknown) => error instanceof HoldfastError && QUERY_ERRORS.has(error.code);
const isConnectionLost = (error: unknown) =>
  error instanceof HoldfastError && error.code === 'DATABASE_CONNECTION_LOST';

function tooLarge(maxBytes: number): HoldfastError {
  return ERRORS.SLICE_TOO_LARGE(`a slice must be at most ${maxBytes} bytes of copy text`, { details: { maxBytes } });
}

/** '15.18 (Debian …)' is 150018; '18beta1' is 180000. */
function versionNumber(text: string): number {
  const [, major = '0', minor = '0'] = /^(\d+)(?:\.(\d+))?/.exec(text) ?? [];
  return Number(major) * 10_000 + Number(minor);
}
