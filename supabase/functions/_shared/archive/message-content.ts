/** What is encrypted in a SEIPD packet of version 1: a prefix, one literal data packet, the hash of all before it. */
import { createHash } from 'node:crypto';
import { concatBytes } from './concat-bytes.ts';
import { PacketBody } from './packet-body.ts';
import { packetHeader } from './packet-header.ts';

const BLOCK_BYTES = 16;
/** A random block, whose last two octets are repeated. */
export const PREFIX_BYTES = BLOCK_BYTES + 2;
export const LITERAL_TAG = 11;
/** Format, length of the file name, date. */
const LITERAL_HEADER_BYTES = 6;
const MDC_HEADER = Uint8Array.of(0xd3, 0x14);
const SHA1_BYTES = 20;

/** Why the content is not what its writer wrote; its message is the reason. */
export class ContentDamaged extends Error {}

/** Takes the plain bytes in pieces of any size and gives those of the literal data packet, as views. */
export class MessageContent {
  readonly #hash = createHash('sha1');
  /** Until the literal data packet's header is all there. */
  #start: Uint8Array | null = new Uint8Array(0);
  #body: PacketBody | null = null;
  #trailer: Uint8Array = new Uint8Array(0);

  /** Throws ContentDamaged. What it gives is proved only when end() has not thrown. */
  push(plain: Uint8Array): Uint8Array[] {
    if (this.#body) return this.#read(this.#body, plain);
    const start = concatBytes([this.#start!, plain]);
    const content = literalStart(start);
    this.#start = content ? null : start;
    if (!content) return [];
    this.#body = content.body;
    this.#hash.update(start.subarray(0, content.at));
    return this.#read(content.body, start.subarray(content.at));
  }

  /** Throws ContentDamaged when the content is cut off or is not what was hashed when it was written. */
  end(): void {
    if (!this.#body?.ended || this.#trailer.length < MDC_HEADER.length + SHA1_BYTES)
      throw new ContentDamaged('it is cut off');
    // SAFETY: a Buffer is a Uint8Array; the types of the two runtimes disagree on it.
    const digest = this.#hash.update(MDC_HEADER).digest() as unknown as Uint8Array;
    const expected = concatBytes([MDC_HEADER, digest]);
    if (!this.#trailer.every((byte, at) => byte === expected[at])) throw new ContentDamaged('its checksum is wrong');
  }

  #read(body: PacketBody, plain: Uint8Array): Uint8Array[] {
    const { pieces, used } = body.take(plain);
    this.#hash.update(plain.subarray(0, used));
    if (used === plain.length) return pieces;
    this.#trailer = concatBytes([this.#trailer, plain.slice(used)]);
    if (this.#trailer.length > MDC_HEADER.length + SHA1_BYTES)
      throw new ContentDamaged('there is more in it than one literal data packet');
    return pieces;
  }
}

/** Where the literal data packet's content starts; null when its header is not all there. */
function literalStart(start: Uint8Array): { at: number; body: PacketBody } | null {
  if (start.length <= PREFIX_BYTES) return null;
  const header = packetHeader(start, PREFIX_BYTES);
  if (!header) return null;
  const at = PREFIX_BYTES + header.octets;
  const nameBytes = start[at + 1];
  if (nameBytes === undefined) return null;
  const headerBytes = LITERAL_HEADER_BYTES + nameBytes;
  if (header.tag !== LITERAL_TAG || header.size < headerBytes || header.size === Number.POSITIVE_INFINITY)
    throw new ContentDamaged('there is no literal data packet in it');
  if (start.length < at + headerBytes) return null;
  return {
    at: at + headerBytes,
    body: new PacketBody({ size: header.size - headerBytes, partial: header.partial }),
  };
}
