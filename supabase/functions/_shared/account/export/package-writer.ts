/** Writes the files of an export, several at a time, into a sink; their state is in the export's, so that a later call goes on. */
import { DEFLATE_BLOCK_BYTES } from '../zip/deflate-block.ts';
import { type NewEntry, ZipEntryWriter } from '../zip/zip-entry.ts';
import type { ExportState, FileSource } from './export-state.ts';
import type { PackageSink } from './package-sink.ts';

/** Text waits until there is enough for a block; characters, of one to three bytes. */
const TEXT_CHARS = DEFLATE_BLOCK_BYTES;

export class PackageWriter {
  readonly #state: ExportState;
  readonly #sink: PackageSink;
  readonly #framed: boolean;
  readonly #writers = new Map<number, ZipEntryWriter>();
  readonly #texts = new Map<number, { parts: string[]; chars: number }>();

  /** `framed`: a ZIP; otherwise there is one entry, and its bytes are the file. */
  constructor(state: ExportState, sink: PackageSink, { framed }: { framed: boolean }) {
    this.#state = state;
    this.#sink = sink;
    this.#framed = framed;
    for (const [number, entry] of Object.entries(state.entries)) {
      if (entry.sha256 === null) this.#writers.set(Number(number), ZipEntryWriter.resume(entry));
    }
  }

  async open(entry: NewEntry & { source?: FileSource }): Promise<number> {
    const number = this.#state.nextEntry++;
    const { source, ...facts } = entry;
    const { writer, bytes } = ZipEntryWriter.open(facts);
    this.#writers.set(number, writer);
    this.#state.entries[number] = { ...writer.state, ...(source ? { source } : {}) };
    if (this.#framed) await this.#sink.write(number, bytes);
    return number;
  }

  /** Text that becomes bytes when there is enough of it. */
  async text(number: number, text: string): Promise<void> {
    const waiting = this.#texts.get(number) ?? { parts: [], chars: 0 };
    this.#texts.set(number, waiting);
    waiting.parts.push(text);
    waiting.chars += text.length;
    if (waiting.chars >= TEXT_CHARS) await this.#flushText(number);
  }

  async bytes(number: number, bytes: Uint8Array): Promise<void> {
    for (const piece of this.#writers.get(number)!.append(bytes)) await this.#sink.write(number, piece);
  }

  /** Bytes of a whole entry, whose hash is known. */
  async whole(number: number, bytes: Uint8Array, sha256: string): Promise<void> {
    for (const piece of this.#writers.get(number)!.appendWhole(bytes, sha256)) await this.#sink.write(number, piece);
  }

  async close(number: number): Promise<void> {
    await this.#flushText(number);
    const writer = this.#writers.get(number)!;
    const end = writer.close();
    if (this.#framed) for (const piece of end) await this.#sink.write(number, piece);
    this.#keep(number, writer);
    this.#writers.delete(number);
    this.#texts.delete(number);
    await this.#sink.close(number);
  }

  /** As if it had never been: its bytes stay in the part and belong to nobody. Only where a sink keeps no order. */
  discard(number: number): void {
    this.#writers.delete(number);
    delete this.#state.entries[number];
    const kept = this.#state.pieces.filter(([entry]) => entry !== number);
    this.#state.pieces.splice(0, this.#state.pieces.length, ...kept);
  }

  /** After it the state is complete, and another writer can go on. */
  async flush(): Promise<void> {
    for (const number of this.#texts.keys()) await this.#flushText(number);
    for (const [number, writer] of this.#writers) this.#keep(number, writer);
  }

  async #flushText(number: number): Promise<void> {
    const waiting = this.#texts.get(number);
    if (!waiting || waiting.chars === 0) return;
    const bytes = new TextEncoder().encode(waiting.parts.join(''));
    waiting.parts = [];
    waiting.chars = 0;
    await this.bytes(number, bytes);
  }

  #keep(number: number, writer: ZipEntryWriter): void {
    this.#state.entries[number] = { ...this.#state.entries[number], ...writer.state };
  }
}
