/**
 * The message that an object becomes (RFC 4880, section 5.13): one encrypted session key per recipient, then a SEIPD
 * packet, version 1, in which are a literal data packet and the modification detection code. Keys and their checks are
 * openpgp's; the bulk is written here, because openpgp's streams take four times the CPU for the same bytes (its SHA-1 is
 * JavaScript on the edge runtime), and CPU is what a worker call has least of.
 */
import { createHash } from 'node:crypto';
import type { PublicKey } from 'openpgp';
import { PartialBody } from '../partial-body.ts';
import { carrySessionKey } from './carry-session-key.ts';

/** AES-256 in CFB mode with an initial vector of zeros, as the packet wants it. Each runtime has its own. */
export type AesCfb = (key: Uint8Array, plain: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

const SEIPD_TAG = 18;
const LITERAL_TAG = 11;
const SEIPD_VERSION = 1;
const BLOCK_BYTES = 16;
const SESSION_KEY_BYTES = 32;
/** Format binary, no file name, no date. */
const LITERAL_HEADER = Uint8Array.of(0x62, 0, 0, 0, 0, 0);
/** Tag 19, 20 bytes. */
const MDC_HEADER = Uint8Array.of(0xd3, 0x14);

/** `date`: the moment that the keys must be valid at. Throws what openpgp throws for a key that cannot encrypt. */
export async function* encryptMessage(
  keys: PublicKey[],
  source: AsyncIterable<Uint8Array>,
  { date, aes }: { date: Date; aes: AesCfb },
): AsyncGenerator<Uint8Array> {
  // A session key of our own, so that no preference of a key chooses a weaker cipher or a packet that gpg cannot read.
  const sessionKey = crypto.getRandomValues(new Uint8Array(SESSION_KEY_BYTES));
  yield await carrySessionKey(keys, sessionKey, date);
  const body = new PartialBody(SEIPD_TAG);
  yield* body.push(Uint8Array.of(SEIPD_VERSION));
  for await (const bytes of aes(sessionKey, withDetectionCode(source))) yield* body.push(bytes);
  yield* body.end();
}

/** What is encrypted: a random prefix whose end is repeated, the literal data packet, the hash of all before it. */
async function* withDetectionCode(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha1');
  const hashed = (bytes: Uint8Array) => {
    hash.update(bytes);
    return bytes;
  };
  const random = crypto.getRandomValues(new Uint8Array(BLOCK_BYTES));
  yield hashed(random);
  yield hashed(random.subarray(BLOCK_BYTES - 2));
  for await (const bytes of literalPacket(source)) yield hashed(bytes);
  yield hashed(MDC_HEADER);
  // SAFETY: a Buffer is a Uint8Array; the types of the two runtimes disagree on it.
  yield hash.digest() as unknown as Uint8Array;
}

async function* literalPacket(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const body = new PartialBody(LITERAL_TAG);
  yield* body.push(LITERAL_HEADER);
  for await (const bytes of source) yield* body.push(bytes);
  yield* body.end();
}
