/**
 * The packet that carries a session key to a curve25519 key, as GnuPG makes them (RFC 6637, sections 7 to 10). openpgp
 * computes the curve in JavaScript on the edge runtime, 15 ms in a fresh isolate and 2 ms for every object; WebCrypto
 * takes a tenth. Node and Deno have X25519 and AES-KW; Deno 2.1.4 lacks the JWK export that openpgp asks for besides.
 */
import type { Key, Subkey } from 'openpgp';
import { concatBytes } from './concat-bytes.ts';

/** Parts of openpgp's ECDH key: the point has the octet 0x40 in front, the others are numbers of RFC 4880. */
interface EcdhParams {
  readonly Q: Uint8Array;
  readonly kdfParams: { readonly hash: number; readonly cipher: number };
}

const SESSION_KEY_TAG = 0xc1;
const VERSION = 3;
const ECDH = 18;
const AES_256 = 9;
const NATIVE_POINT = 0x40;
const POINT_BYTES = 32;
/** Bits of a point as a number: 0x40 has seven. */
const POINT_BITS = Uint8Array.of(0x01, 0x07);
/** Length and object identifier 1.3.6.1.4.1.3029.1.5.1. */
const CURVE = Uint8Array.of(10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x97, 0x55, 0x01, 0x05, 0x01);
const SENDER = new TextEncoder().encode('Anonymous Sender    ');
const HASHES: Readonly<Record<number, string>> = { 8: 'SHA-256', 9: 'SHA-384', 10: 'SHA-512' };
/** Key lengths of AES-128, AES-192 and AES-256. */
const WRAPPING_KEY_BYTES: Readonly<Record<number, number>> = { 7: 16, 8: 24, 9: 32 };

/** With its header; null when the key is of another kind. `sessionKey`: 32 bytes, for AES-256. */
export async function curve25519KeyPacket(key: Key | Subkey, sessionKey: Uint8Array): Promise<Uint8Array | null> {
  const params = curve25519Params(key);
  if (!params) return null;
  const { ephemeral, shared } = await agree(params.Q.subarray(1));
  const wrapped = await wrap(sessionKey, await wrappingKey(key, params, shared));
  const body = concatBytes([
    Uint8Array.of(VERSION),
    fromHex(key.getKeyID().toHex()),
    Uint8Array.of(ECDH),
    POINT_BITS,
    Uint8Array.of(NATIVE_POINT),
    ephemeral,
    Uint8Array.of(wrapped.length),
    wrapped,
  ]);
  return concatBytes([Uint8Array.of(SESSION_KEY_TAG, body.length), body]);
}

function curve25519Params(key: Key | Subkey): EcdhParams | null {
  const { algorithm, curve } = key.getAlgorithmInfo();
  if (algorithm !== 'ecdh' || curve !== 'curve25519Legacy' || key.keyPacket.version !== 4) return null;
  // SAFETY: what the library keeps of an ECDH key; its types say `object`.
  const params = key.keyPacket.publicParams as EcdhParams;
  const { hash, cipher } = params.kdfParams;
  const isKnown = hash in HASHES && cipher in WRAPPING_KEY_BYTES;
  return isKnown && params.Q.length === 1 + POINT_BYTES && params.Q[0] === NATIVE_POINT ? params : null;
}

async function agree(point: Uint8Array): Promise<{ ephemeral: Uint8Array; shared: Uint8Array }> {
  const pair = (await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits'])) as CryptoKeyPair;
  const recipient = await crypto.subtle.importKey('raw', point, { name: 'X25519' }, false, []);
  const shared = await crypto.subtle.deriveBits({ name: 'X25519', public: recipient }, pair.privateKey, 256);
  const ephemeral = await crypto.subtle.exportKey('raw', pair.publicKey);
  return { ephemeral: new Uint8Array(ephemeral), shared: new Uint8Array(shared) };
}

/** RFC 6637, sections 7 and 8: bound to the recipient by the fingerprint. */
async function wrappingKey(key: Key | Subkey, { kdfParams }: EcdhParams, shared: Uint8Array): Promise<CryptoKey> {
  const { hash, cipher } = kdfParams;
  const input = concatBytes([
    Uint8Array.of(0, 0, 0, 1),
    shared,
    CURVE,
    Uint8Array.of(ECDH, 3, 1, hash, cipher),
    SENDER,
    fromHex(key.getFingerprint()),
  ]);
  const digest = new Uint8Array(await crypto.subtle.digest(HASHES[hash]!, input));
  const bytes = digest.subarray(0, WRAPPING_KEY_BYTES[cipher]!);
  return await crypto.subtle.importKey('raw', bytes, 'AES-KW', false, ['wrapKey']);
}

/** Algorithm, key and the sum of its octets, filled up to whole blocks of AES-KW. */
async function wrap(sessionKey: Uint8Array, wrapping: CryptoKey): Promise<Uint8Array> {
  const sum = sessionKey.reduce((total, octet) => total + octet, 0) & 0xffff;
  const plain = concatBytes([Uint8Array.of(AES_256), sessionKey, Uint8Array.of(sum >> 8, sum & 0xff)]);
  const padding = 8 - (plain.length % 8);
  const padded = concatBytes([plain, new Uint8Array(padding).fill(padding)]);
  // WebCrypto wraps keys, not bytes: as a key of HMAC they may be any.
  const carried = await crypto.subtle.importKey('raw', padded, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign']);
  return new Uint8Array(await crypto.subtle.wrapKey('raw', carried, wrapping, 'AES-KW'));
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
