/** The packet that carries a session key to one recipient, version 3 (RFC 4880, section 5.1). */
const VERSION = 3;
const KEY_ID_BYTES = 8;
const NUMBERS_AT = 1 + KEY_ID_BYTES + 1;
const RSA = [1, 2];
const ELGAMAL = 16;
const ECDH = 18;
/** What a point of curve25519 begins with, and how long it is then. */
const NATIVE_POINT = 0x40;
const CURVE25519_BYTES = 33;

/** Upper-case hex id of the key that opens it; null when it does not say, or has another version. */
export function recipientKeyId(body: Uint8Array): string | null {
  if (body[0] !== VERSION || body.length < NUMBERS_AT) return null;
  const id = Array.from(body.subarray(1, 1 + KEY_ID_BYTES), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return /^0+$/.test(id) ? null : id.toUpperCase();
}

/** What is encrypted to an RSA key; null when the packet is to a key of another kind. */
export function rsaNumber(body: Uint8Array): Uint8Array | null {
  const isRsa = body[0] === VERSION && RSA.includes(body[NUMBERS_AT - 1]!);
  return isRsa && hasExactNumbers(body) ? body.subarray(NUMBERS_AT + 2) : null;
}

/**
 * Whether the numbers in it have exactly the lengths that they state, and nothing follows them. Readers that round a
 * length to bytes take several for the same number; then a message could be changed and still open. RFC 9580 refuses such.
 */
export function hasExactNumbers(body: Uint8Array): boolean {
  const algorithm = body[NUMBERS_AT - 1]!;
  if (body[0] !== VERSION) return true;
  if (RSA.includes(algorithm)) return numberEnd(body, NUMBERS_AT) === body.length;
  if (algorithm === ELGAMAL) return numberEnd(body, numberEnd(body, NUMBERS_AT)) === body.length;
  if (algorithm !== ECDH) return true;
  const wrappedAt = numberEnd(body, NUMBERS_AT);
  const point = body.subarray(NUMBERS_AT + 2, wrappedAt);
  // The curve ignores the highest bit, which is the last octet's, and no writer sets it.
  if (point.length === CURVE25519_BYTES && point[0] === NATIVE_POINT && point.at(-1)! >= 0x80) return false;
  return wrappedAt + 1 + (body[wrappedAt] ?? -1) === body.length;
}

/** Where a number that starts at `at` ends; NaN when its length is not exact. */
function numberEnd(body: Uint8Array, at: number): number {
  const bits = (body[at] ?? 0) * 256 + (body[at + 1] ?? 0);
  const highest = body[at + 2] ?? 0;
  const bitsOfHighest = 32 - Math.clz32(highest);
  const bytes = Math.ceil(bits / 8);
  return bits > 0 && (bytes - 1) * 8 + bitsOfHighest === bits ? at + 2 + bytes : Number.NaN;
}
