/**
 * Session keys under RSA, opened by OpenSSL. Node took PKCS #1 out of privateDecrypt(), for servers that answer strangers,
 * so openpgp calculates with BigInt instead: 45 ms for an RSA-4096 key, for every object. Here it is raw RSA and the
 * padding is looked at below; nobody measures how long a restore takes to refuse a message.
 */
import { Buffer } from 'node:buffer';
import { constants, createPrivateKey, type KeyObject, privateDecrypt } from 'node:crypto';
import type { PrivateKey } from 'openpgp';
import type { SessionKey } from './archive/decrypt-message.ts';
import { recipientKeyId, rsaNumber } from './archive/session-key-packet.ts';

/** What openpgp has but does not declare. */
interface KeyPacket {
  readonly publicParams?: object | null;
  readonly privateParams?: object | null;
  getKeyID(): { toHex(): string };
}

type RsaNumbers = Record<'n' | 'e' | 'd' | 'p' | 'q' | 'u', Uint8Array>;

const MIN_PADDING_BYTES = 8;
const CHECKSUM_BYTES = 2;
const AES_KEY_BYTES = new Map([
  [7, 16],
  [8, 24],
  [9, 32],
]);

/** The session key in the body of such a packet; null when openpgp is to look for it. */
export type SessionKeyOpener = (body: Uint8Array) => SessionKey | null;

/** Gives null for every packet that is not RSA to one of these keys, or does not open: then openpgp is asked. */
export function rsaSessionKeyOpener(keys: readonly PrivateKey[]): SessionKeyOpener {
  const known = new Map(
    keys.flatMap((key) => key.getKeys().flatMap(({ keyPacket }) => opensslKey(keyPacket as KeyPacket))),
  );
  return (body) => {
    const key = known.get(recipientKeyId(body) ?? '');
    const number = rsaNumber(body);
    if (!key || !number) return null;
    const sizeBytes = Math.ceil(key.asymmetricKeyDetails!.modulusLength! / 8);
    if (number.length > sizeBytes) return null;
    const padded = Buffer.alloc(sizeBytes);
    padded.set(number, sizeBytes - number.length);
    try {
      return sessionKeyIn(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, padded));
    } catch {
      return null;
    }
  };
}

/** Nothing for a key that is not RSA, or that OpenSSL refuses. */
function opensslKey(packet: KeyPacket): [string, KeyObject][] {
  const numbers = { ...packet.publicParams, ...packet.privateParams } as RsaNumbers;
  if (!numbers.n || !numbers.d || !numbers.u) return [];
  try {
    return [[packet.getKeyID().toHex().toUpperCase(), createPrivateKey({ key: toJwk(numbers), format: 'jwk' })]];
  } catch {
    return [];
  }
}

/** OpenPGP keeps the inverse of p modulo q, the other keeps that of q modulo p: p and q change places. */
function toJwk({ n, e, d, p, q, u }: RsaNumbers): Record<string, string> {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
  return {
    kty: 'RSA',
    n: text(n),
    e: text(e),
    d: text(d),
    p: text(q),
    q: text(p),
    dp: text(remainder(d, q)),
    dq: text(remainder(d, p)),
    qi: text(u),
  };
}

/** d modulo one less than the prime. */
function remainder(d: Uint8Array, prime: Uint8Array): Uint8Array {
  const big = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  const hex = (big(d) % (big(prime) - 1n)).toString(16);
  return Buffer.from(hex.padStart(prime.length * 2, '0'), 'hex');
}

/** 0, 2, at least 8 octets that are not 0, 0, the cipher's number, the key, the sum of its octets. */
function sessionKeyIn(padded: Uint8Array): ReturnType<SessionKeyOpener> {
  const end = padded.indexOf(0, 2);
  if (padded[0] !== 0 || padded[1] !== 2 || end < 2 + MIN_PADDING_BYTES) return null;
  const sizeBytes = AES_KEY_BYTES.get(padded[end + 1] ?? 0);
  const data = padded.slice(end + 2, -CHECKSUM_BYTES);
  if (data.length !== sizeBytes) return null;
  const sum = data.reduce((total, octet) => (total + octet) & 0xffff, 0);
  const stated = padded.at(-2)! * 256 + padded.at(-1)!;
  return sum === stated ? { data: new Uint8Array(data), algorithm: `aes${sizeBytes * 8}` } : null;
}
