/**
 * The cipher of scripts. Keys, their checks and the packets that carry the session key are openpgp's; only the bulk of
 * a message is written here, with the AES and SHA-1 of node:crypto (which Deno 2.1 lacks). openpgp's streams take four
 * times the CPU for the same bytes, and on two cores that is what an export waits for.
 *
 * The message is the one that archive/cipher.ts writes (RFC 4880, section 5.13): one encrypted session key per
 * recipient, then a SEIPD packet, version 1, in which are a literal data packet and the modification detection code.
 */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { encryptSessionKey, type PublicKey, readKeys } from 'openpgp';
import { createCipher, type RecipientCipher } from './archive/cipher.ts';
import { splitArmor } from './archive/split-armor.ts';
import { PartialBody } from './partial-body.ts';

const SEIPD_TAG = 18;
const LITERAL_TAG = 11;
const SEIPD_VERSION = 1;
const BLOCK_BYTES = 16;
/** Format binary, no file name, no date. */
const LITERAL_HEADER = Uint8Array.of(0x62, 0, 0, 0, 0, 0);
/** Tag 19, 20 bytes. */
const MDC_HEADER = Uint8Array.of(0xd3, 0x14);

/** Takes and throws what createCipher() of archive/cipher.ts does. */
export async function createNodeCipher(
  publicKeysArmored: string,
  options: { now?: Date } = {},
): Promise<RecipientCipher> {
  const cipher = await createCipher(publicKeysArmored, options);
  const date = options.now ?? new Date();
  const keys = await recipientKeys(publicKeysArmored);
  return { ...cipher, encrypt: (source) => encryptTo(keys, source, date) };
}

/** The keys that createCipher() has checked. */
async function recipientKeys(text: string): Promise<PublicKey[]> {
  const blocks = await Promise.all(splitArmor(text).map((block) => readKeys({ armoredKeys: block.text })));
  const keys = blocks.flat().map((key) => [key.getFingerprint(), key as PublicKey] as const);
  return [...new Map(keys).values()];
}

async function* encryptTo(
  keys: PublicKey[],
  source: AsyncIterable<Uint8Array>,
  date: Date,
): AsyncGenerator<Uint8Array> {
  const sessionKey = randomBytes(32);
  const carried = {
    data: sessionKey,
    algorithm: 'aes256' as const,
    encryptionKeys: keys,
    date,
    format: 'binary' as const,
  };
  yield (await encryptSessionKey(carried)) as Uint8Array;
  const aes = createCipheriv('aes-256-cfb', sessionKey, new Uint8Array(BLOCK_BYTES));
  const body = new PartialBody(SEIPD_TAG);
  yield* body.push(Uint8Array.of(SEIPD_VERSION));
  for await (const plain of withDetectionCode(source)) yield* body.push(aes.update(plain));
  yield body.end();
}

/** What is encrypted: a random prefix whose end is repeated, the literal data packet, the hash of all before it. */
async function* withDetectionCode(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha1');
  const hashed = (bytes: Uint8Array) => {
    hash.update(bytes);
    return bytes;
  };
  const random = randomBytes(BLOCK_BYTES);
  yield hashed(random);
  yield hashed(random.subarray(BLOCK_BYTES - 2));
  for await (const bytes of literalPacket(source)) yield hashed(bytes);
  yield hashed(MDC_HEADER);
  yield hash.digest();
}

async function* literalPacket(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const body = new PartialBody(LITERAL_TAG);
  yield* body.push(LITERAL_HEADER);
  for await (const bytes of source) yield* body.push(bytes);
  yield body.end();
}
