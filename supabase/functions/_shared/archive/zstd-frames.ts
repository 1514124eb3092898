/** Finds where zstd frames end (RFC 8878, section 3.1), so that a stream of frames is decompressed one at a time. */
import { ERRORS } from '../errors.ts';

export interface FrameBounds {
  /** Bytes of the whole frame, header and checksum included. */
  readonly size: number;
  /** Bytes of its content, or an upper bound where the header does not say; 0 for a skippable frame. */
  readonly contentSize: number;
}

const MAGIC = 0xfd2fb528;
/** Skippable frames have any of 16 magic numbers. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;

/** Bounds of the frame that starts at `bytes[0]`, or null when its end is not yet there. Throws ARCHIVE_DAMAGED. */
export function findFrame(bytes: Uint8Array): FrameBounds | null {
  if (bytes.length < 9) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
    const size = 8 + view.getUint32(4, true);
    return bytes.length < size ? null : { size, contentSize: 0 };
  }
  if (magic !== MAGIC) throw ERRORS.ARCHIVE_DAMAGED('the bytes are not a zstd frame');
  const descriptor = view.getUint8(4);
  const header = readHeader(view, descriptor);
  if (!header) return null;
  const blocks = walkBlocks(view, header.size);
  if (!blocks) return null;
  const size = blocks.end + ((descriptor & 4) === 0 ? 0 : 4);
  if (bytes.length < size) return null;
  return { size, contentSize: header.contentSize ?? blocks.count * MAX_BLOCK_BYTES };
}

function readHeader(view: DataView, descriptor: number): { size: number; contentSize: number | null } | null {
  const singleSegment = (descriptor & 0x20) !== 0;
  const flag = descriptor >> 6;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const contentBytes = flag === 0 ? (singleSegment ? 1 : 0) : 1 << flag;
  const at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  if (view.byteLength < at + contentBytes) return null;
  return { size: at + contentBytes, contentSize: readContentSize(view, at, contentBytes) };
}

function readContentSize(view: DataView, at: number, contentBytes: number): number | null {
  if (contentBytes === 1) return view.getUint8(at);
  if (contentBytes === 2) return view.getUint16(at, true) + 256;
  if (contentBytes === 4) return view.getUint32(at, true);
  return contentBytes === 8 ? Number(view.getBigUint64(at, true)) : null;
}

function walkBlocks(view: DataView, start: number): { end: number; count: number } | null {
  for (let at = start, count = 1; at + 3 <= view.byteLength; count += 1) {
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    const type = (header >> 1) & 3;
    if (type === 3) throw ERRORS.ARCHIVE_DAMAGED('a zstd frame has a block of the reserved type');
    // A run-length block stores one byte however long it is.
    at += 3 + (type === 1 ? 1 : header >> 3);
    if ((header & 1) === 1) return { end: at, count };
  }
  return null;
}
