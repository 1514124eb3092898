/**
 * A raw session: the simple query protocol and COPY over one connection, without the driver, because the driver's
 * COPY stream costs twice the CPU. Ledger queries with parameters go through the `postgres` package instead.
 */
export interface CopyBlock {
  /** Rows' text exactly as the server sent it, whole rows except where one row is longer than a block. */
  readonly bytes: Uint8Array;
  /** Rows that END in this block. */
  readonly rows: number;
}

export interface CopyOptions {
  /** Target size of a block; default 1 MiB. A block is a fresh buffer: the consumer owns it and may transfer it. */
  readonly blockBytes?: number;
  /** Gives a block of that size that the consumer is done with, so that the next ones cost no new memory. */
  readonly spareBlock?: (sizeBytes: number) => Uint8Array | null;
  /** The copy is abandoned with SLICE_TOO_LARGE once this many raw bytes came (checked per read, not per row). */
  readonly maxBytes?: number;
  /** `text`: CopyData payloads concatenated. `json`: the query is a binary COPY of one json column; payloads become rows joined by ",\n". */
  readonly framing?: 'text' | 'json';
  /** Messages at the start that are no rows: 1 for a csv with a header line. Their bytes are passed on, their number is not. */
  readonly headerRows?: number;
}

export interface PgSession {
  readonly serverVersion: string;
  /** server_version_num. */
  readonly serverVersionNum: number;
  readonly backendPid: number;
  /** Runs one or more statements without parameters; rows of the last that returned any, all values as text. Throws QUERY_FAILED with sqlState in details. */
  query(sql: string): Promise<(string | null)[][]>;
  copyOut(sql: string, options?: CopyOptions): AsyncGenerator<CopyBlock>;
  /** Sends COPY … FROM STDIN and the bytes; returns rows loaded. */
  copyIn(sql: string, source: AsyncIterable<Uint8Array>): Promise<number>;
  /** Idempotent. An open COPY is cancelled by closing the socket. */
  close(): Promise<void>;
}
