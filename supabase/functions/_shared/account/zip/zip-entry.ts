/** One file within a ZIP archive while it is written: its state is plain JSON, so that another worker call can go on with it. */
import { ERRORS } from '../../errors.ts';
import { crc32 } from './crc32.ts';
import { DEFLATE_BLOCK_BYTES, DEFLATE_END, deflateBlock } from './deflate-block.ts';
import { Sha256, type Sha256State } from './sha256-state.ts';
import { dataDescriptor, localHeader } from './zip-records.ts';

export const STORED = 0;
export const DEFLATED = 8;
const MAX_32 = 0xffffffff;

export interface ZipEntry {
  readonly name: string;
  readonly method: typeof STORED | typeof DEFLATED;
  readonly modifiedMs: number;
  /** May it reach 4 GB? Readers must know before the data. */
  readonly large: boolean;
  readonly crc: number;
  /** Bytes before and after compression. */
  readonly size: number;
  readonly packed: number;
  /** Bytes in the archive: header, data and descriptor. */
  readonly total: number;
  /** Hex once the entry is closed. */
  readonly sha256: string | null;
  readonly hash: Sha256State | null;
}

export interface NewEntry {
  readonly name: string;
  readonly method: ZipEntry['method'];
  readonly modifiedMs: number;
  readonly large?: boolean;
}

/** Gives the bytes that belong into the archive, in their order. */
export class ZipEntryWriter {
  readonly #facts: Required<NewEntry>;
  readonly #hash: Sha256;
  #crc: number;
  #size: number;
  #packed: number;
  #total: number;
  #sha256: string | null = null;

  private constructor(entry: ZipEntry) {
    this.#facts = { name: entry.name, method: entry.method, modifiedMs: entry.modifiedMs, large: entry.large };
    this.#hash = new Sha256(entry.hash);
    this.#crc = entry.crc;
    this.#size = entry.size;
    this.#packed = entry.packed;
    this.#total = entry.total;
  }

  /** Where an earlier call stopped: the state it left. */
  static resume(entry: ZipEntry): ZipEntryWriter {
    return new ZipEntryWriter(entry);
  }

  static open(entry: NewEntry): { writer: ZipEntryWriter; bytes: Uint8Array } {
    const facts = { ...entry, large: entry.large ?? false };
    const bytes = localHeader(facts);
    const begun = { ...facts, crc: 0, size: 0, packed: 0, total: bytes.length, sha256: null, hash: null };
    return { writer: new ZipEntryWriter(begun), bytes };
  }

  /** What was given so far; a block that is compressed alone costs ratio, so give it 256 kB or more at once. */
  append(bytes: Uint8Array): Uint8Array[] {
    this.#crc = crc32(bytes, this.#crc);
    this.#hash.update(bytes);
    this.#size += bytes.length;
    return this.#count(this.#facts.method === STORED ? [bytes] : deflateBlocks(bytes));
  }

  /** All of the entry at once, hashed by whoever calls: the runtime's own SHA-256 is faster than one that can stop. */
  appendWhole(bytes: Uint8Array, sha256: string): Uint8Array[] {
    this.#crc = crc32(bytes);
    this.#size = bytes.length;
    this.#sha256 = sha256;
    return this.#count(this.#facts.method === STORED ? [bytes] : deflateBlocks(bytes));
  }

  /** Throws EXPORT_TOO_LARGE for an entry that reached 4 GB and was not announced as `large`. */
  close(): Uint8Array[] {
    const end = this.#facts.method === DEFLATED ? this.#count([DEFLATE_END]) : [];
    if (!this.#facts.large && Math.max(this.#size, this.#packed) >= MAX_32) {
      throw ERRORS.EXPORT_TOO_LARGE(`${this.#facts.name} has ${this.#size} bytes, more than was planned for`);
    }
    this.#sha256 ??= this.#hash.hex();
    const descriptor = dataDescriptor({ ...this.#facts, crc: this.#crc, size: this.#size, packed: this.#packed });
    this.#total += descriptor.length;
    return [...end, descriptor];
  }

  get state(): ZipEntry {
    return {
      ...this.#facts,
      crc: this.#crc,
      size: this.#size,
      packed: this.#packed,
      total: this.#total,
      sha256: this.#sha256,
      hash: this.#sha256 === null ? this.#hash.state : null,
    };
  }

  #count(pieces: Uint8Array[]): Uint8Array[] {
    for (const { length } of pieces) {
      this.#packed += length;
      this.#total += length;
    }
    return pieces;
  }
}

function deflateBlocks(bytes: Uint8Array): Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += DEFLATE_BLOCK_BYTES) {
    blocks.push(deflateBlock(bytes.subarray(at, at + DEFLATE_BLOCK_BYTES)));
  }
  return blocks;
}
