/** What stands in a message before its encrypted content: a session key for each recipient, then the packet's header. */
import { PacketBody } from './packet-body.ts';
import { type PacketHeader, packetHeader } from './packet-header.ts';

export interface MessageHead {
  /** The packets that carry the session key, with their headers, as they stand in the message. */
  readonly keyBytes: Uint8Array;
  /** The body of each of them. */
  readonly keyPackets: readonly Uint8Array[];
  /** The encrypted packet's body, of which the version was taken. */
  readonly body: PacketBody;
  /** Where that body goes on in the bytes. */
  readonly bodyAt: number;
}

/** What the start of the encrypted content must hold: prefix, and the first octet of the packet in it. */
export const CONTENT_START_BYTES = 19;

const SESSION_KEY_TAG = 1;
const SEIPD_TAG = 18;
const SEIPD_VERSION = 1;

/**
 * `more`: the head goes on beyond `bytes`. null: this is no message to public keys whose content is a SEIPD packet of
 * version 1 that begins with CONTENT_START_BYTES in one part.
 */
export function messageHead(bytes: Uint8Array): MessageHead | 'more' | null {
  const keyPackets: Uint8Array[] = [];
  let at = 0;
  for (;;) {
    const header = packetHeader(bytes, at);
    if (!header) return 'more';
    const bodyAt = at + header.octets;
    if (header.tag === SEIPD_TAG && at > 0) return contentHead(bytes, { keyPackets, at, bodyAt, header });
    if (header.tag !== SESSION_KEY_TAG || header.partial || header.size === Number.POSITIVE_INFINITY) return null;
    at = bodyAt + header.size;
    if (at > bytes.length) return 'more';
    keyPackets.push(bytes.subarray(bodyAt, at));
  }
}

function contentHead(
  bytes: Uint8Array,
  { keyPackets, at, bodyAt, header }: { keyPackets: Uint8Array[]; at: number; bodyAt: number; header: PacketHeader },
): MessageHead | 'more' | null {
  if (header.size < 1 + CONTENT_START_BYTES) return null;
  if (bytes.length < bodyAt + 1 + CONTENT_START_BYTES) return 'more';
  if (bytes[bodyAt] !== SEIPD_VERSION) return null;
  const body = new PacketBody({ size: header.size - 1, partial: header.partial });
  return { keyBytes: bytes.subarray(0, at), keyPackets, body, bodyAt: bodyAt + 1 };
}
