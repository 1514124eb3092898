/**
 * The records of a ZIP archive (PKWARE APPNOTE 6.3.10), as bytes. Sizes follow the data in a descriptor, because they are
 * not known when an entry begins; names are UTF-8; ZIP64 where 32 or 16 bits do not hold a number.
 */
import type { ZipEntry } from './zip-entry.ts';

const MAX_32 = 0xffffffff;
const MAX_16 = 0xffff;
/** Bit 3: a data descriptor follows. Bit 11: the name is UTF-8. */
const FLAGS = 0x0808;
const VERSION_DEFAULT = 20;
const VERSION_ZIP64 = 45;
/** Made on Unix, so that the mode in the external attributes counts: a plain file, 0644. */
const MADE_BY_UNIX = 3 << 8;
const FILE_MODE = ((0o100644 << 16) >>> 0) as number;
const ZIP64_EXTRA = 1;

export function localHeader(entry: Pick<ZipEntry, 'name' | 'method' | 'modifiedMs' | 'large'>): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const extraBytes = entry.large ? 20 : 0;
  const record = new RecordWriter(30 + name.length + extraBytes);
  record
    .u32(0x04034b50)
    .u16(entry.large ? VERSION_ZIP64 : VERSION_DEFAULT)
    .u16(FLAGS)
    .u16(entry.method);
  record.dosTime(entry.modifiedMs).u32(0);
  // With ZIP64 the descriptor has 8 bytes for a size; readers know it by these marks.
  record.u32(entry.large ? MAX_32 : 0).u32(entry.large ? MAX_32 : 0);
  record.u16(name.length).u16(extraBytes).bytes(name);
  if (entry.large) record.u16(ZIP64_EXTRA).u16(16).u64(0).u64(0);
  return record.done();
}

export function dataDescriptor(entry: Pick<ZipEntry, 'crc' | 'size' | 'packed' | 'large'>): Uint8Array {
  const record = new RecordWriter(entry.large ? 24 : 16).u32(0x08074b50).u32(entry.crc);
  if (entry.large) record.u64(entry.packed).u64(entry.size);
  else record.u32(entry.packed).u32(entry.size);
  return record.done();
}

/** `offset`: where the entry's local header begins. */
export function centralRecord(entry: ZipEntry, offset: number): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const wide = [entry.size, entry.packed, offset].map((value) => value >= MAX_32);
  const extra = new RecordWriter(4 + 8 * wide.filter(Boolean).length);
  extra.u16(ZIP64_EXTRA).u16(8 * wide.filter(Boolean).length);
  for (const value of [entry.size, entry.packed, offset]) if (value >= MAX_32) extra.u64(value);
  const extraBytes = wide.includes(true) ? extra.done() : new Uint8Array(0);
  const record = new RecordWriter(46 + name.length + extraBytes.length);
  const version = entry.large || wide.includes(true) ? VERSION_ZIP64 : VERSION_DEFAULT;
  record
    .u32(0x02014b50)
    .u16(MADE_BY_UNIX | version)
    .u16(version)
    .u16(FLAGS)
    .u16(entry.method);
  record.dosTime(entry.modifiedMs).u32(entry.crc);
  record.u32(Math.min(entry.packed, MAX_32)).u32(Math.min(entry.size, MAX_32));
  record.u16(name.length).u16(extraBytes.length).u16(0).u16(0).u16(0).u32(FILE_MODE);
  return record.u32(Math.min(offset, MAX_32)).bytes(name).bytes(extraBytes).done();
}

/** What stands after the central directory. */
export function endRecords(directory: { entries: number; offset: number; size: number }): Uint8Array {
  const { entries, offset, size } = directory;
  const large = entries >= MAX_16 || offset >= MAX_32 || size >= MAX_32;
  const record = new RecordWriter(22 + (large ? 76 : 0));
  if (large) {
    record
      .u32(0x06064b50)
      .u64(44)
      .u16(MADE_BY_UNIX | VERSION_ZIP64)
      .u16(VERSION_ZIP64)
      .u32(0)
      .u32(0);
    record.u64(entries).u64(entries).u64(size).u64(offset);
    record
      .u32(0x07064b50)
      .u32(0)
      .u64(offset + size)
      .u32(1);
  }
  record.u32(0x06054b50).u16(0).u16(0).u16(Math.min(entries, MAX_16)).u16(Math.min(entries, MAX_16));
  return record.u32(Math.min(size, MAX_32)).u32(Math.min(offset, MAX_32)).u16(0).done();
}

class RecordWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(sizeBytes: number) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  u16(value: number): this {
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
    return this;
  }

  u64(value: number): this {
    this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += 8;
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** UTC, in steps of two seconds; the format knows the years 1980 to 2107. */
  dosTime(ms: number): this {
    const date = new Date(Math.min(Math.max(ms, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31)));
    const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
    const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
    return this.u16(time).u16(day);
  }

  done(): Uint8Array {
    return this.#bytes;
  }
}
