import type { ExportState } from './export-state.ts';
import { addPiece } from './layout.ts';
import { PartWriter, type PartWriterOptions } from './part-writer.ts';

/** Where the bytes of a package go; each belongs to an entry, and entries stand in the order of their numbers. */
export interface PackageSink {
  write(entry: number, bytes: Uint8Array): Promise<void>;
  /** Nothing more comes for it. */
  close(entry: number): Promise<void>;
}

/** Straight out, in order: what belongs to a later entry waits in memory until those before it are closed. */
export class StreamSink implements PackageSink {
  readonly #emit: (bytes: Uint8Array) => Promise<void>;
  readonly #waiting = new Map<number, Uint8Array[]>();
  readonly #closed = new Set<number>();
  #current = 1;

  constructor(emit: (bytes: Uint8Array) => Promise<void>) {
    this.#emit = emit;
  }

  async write(entry: number, bytes: Uint8Array): Promise<void> {
    if (entry === this.#current) return await this.#emit(bytes);
    const waiting = this.#waiting.get(entry);
    // The caller may use its buffer again.
    if (waiting) waiting.push(bytes.slice());
    else this.#waiting.set(entry, [bytes.slice()]);
  }

  async close(entry: number): Promise<void> {
    this.#closed.add(entry);
    while (this.#closed.delete(this.#current)) {
      this.#current += 1;
      for (const bytes of this.#waiting.get(this.#current) ?? []) await this.#emit(bytes);
      this.#waiting.delete(this.#current);
    }
  }
}

/** Into one encrypted part per slice, in any order: the state notes which bytes are whose. */
export class PartSink implements PackageSink {
  readonly #state: ExportState;
  readonly #options: Omit<PartWriterOptions, 'ordinal'>;
  #writer: PartWriter | null = null;

  constructor(state: ExportState, options: Omit<PartWriterOptions, 'ordinal'>) {
    this.#state = state;
    this.#options = options;
  }

  async write(entry: number, bytes: Uint8Array): Promise<void> {
    const ordinal = this.#state.parts.length;
    this.#writer ??= new PartWriter({ ...this.#options, ordinal: ordinal + 1 });
    addPiece(this.#state.pieces, [entry, ordinal, this.#writer.size, bytes.length]);
    await this.#writer.write(bytes);
  }

  async close(): Promise<void> {}

  /** The part becomes visible, and the state names it. */
  async finishPart(): Promise<void> {
    if (this.#writer === null) return;
    this.#state.parts.push(await this.#writer.finish());
    this.#writer = null;
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
  }
}
