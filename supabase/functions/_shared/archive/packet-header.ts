/** Headers of OpenPGP packets, of the old and the new format (RFC 4880, section 4.2). */
export interface PacketHeader {
  /** 0, which is no packet's, when the octet does not begin one. */
  readonly tag: number;
  /** How many octets the header has. */
  readonly octets: number;
  /** Bytes of the body, or of its first part; Infinity: up to the end of what the packet is in. */
  readonly size: number;
  /** More parts follow, each with a length of its own. */
  readonly partial: boolean;
}

export type PacketLength = Omit<PacketHeader, 'tag'>;

const NEW_FORMAT = 0xc0;
const OLD_FORMAT = 0x80;

/** The header that stands at `at`; null when it goes on beyond the end of `bytes`. */
export function packetHeader(bytes: Uint8Array, at: number): PacketHeader | null {
  const first = bytes[at];
  if (first === undefined) return null;
  if ((first & OLD_FORMAT) === 0) return { tag: 0, octets: 1, size: 0, partial: false };
  const isNew = (first & NEW_FORMAT) === NEW_FORMAT;
  const length = isNew ? newLength(bytes, at + 1) : oldLength(bytes, at + 1, first & 3);
  if (!length) return null;
  return { ...length, tag: isNew ? first & 0x3f : (first >> 2) & 0xf, octets: 1 + length.octets };
}

/** A length of the new format, as it also stands before each part of a body; null when it is not all there. */
export function newLength(bytes: ArrayLike<number>, at: number): PacketLength | null {
  const first = bytes[at];
  if (first === undefined) return null;
  if (first < 192) return { octets: 1, size: first, partial: false };
  if (first >= 224 && first < 255) return { octets: 1, size: 2 ** (first & 0x1f), partial: true };
  if (first === 255) return definite(bytes, { at: at + 1, octets: 4, before: 1 });
  const second = bytes[at + 1];
  return second === undefined ? null : { octets: 2, size: (first - 192) * 256 + second + 192, partial: false };
}

function oldLength(bytes: Uint8Array, at: number, type: number): PacketLength | null {
  if (type === 3) return { octets: 0, size: Number.POSITIVE_INFINITY, partial: false };
  return definite(bytes, { at, octets: 2 ** type, before: 0 });
}

function definite(
  bytes: ArrayLike<number>,
  { at, octets, before }: { at: number; octets: number; before: number },
): PacketLength | null {
  if (at + octets > bytes.length) return null;
  let size = 0;
  for (let index = 0; index < octets; index++) size = size * 256 + bytes[at + index]!;
  return { octets: before + octets, size, partial: false };
}
