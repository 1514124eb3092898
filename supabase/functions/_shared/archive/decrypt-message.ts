/**
 * Opens messages as encrypt-message.ts writes them, and as GnuPG does without compression: session keys are openpgp's,
 * the bulk is read here, because openpgp's streams take several times the CPU for the same bytes. Whatever has another
 * form (compressed, AEAD, old packets) is left to openpgp.
 */
import { ERRORS } from '../errors.ts';
import { concatBytes } from './concat-bytes.ts';
import type { Decipher } from './decipher.ts';
import type { AesCfb } from './encrypt-message.ts';
import { ContentDamaged, LITERAL_TAG, MessageContent, PREFIX_BYTES } from './message-content.ts';
import { CONTENT_START_BYTES, type MessageHead, messageHead } from './message-head.ts';
import { packetHeader } from './packet-header.ts';
import { hasExactNumbers, recipientKeyId } from './session-key-packet.ts';

export interface SessionKey {
  readonly data: Uint8Array;
  /** `aes256` …, as openpgp calls them. */
  readonly algorithm: string | null;
}

export interface DecryptMeans {
  /** The session keys that the private keys find in these packets; throws when there is none. */
  openSessionKeys(head: Pick<MessageHead, 'keyBytes' | 'keyPackets'>): Promise<readonly SessionKey[]>;
  /** AES-CFB backwards; the key's length says which AES. */
  readonly aes: AesCfb;
  /** For messages of another form. */
  readonly otherwise: Decipher;
}

/** More recipients than this many bytes name are left to openpgp. */
const MAX_HEAD_BYTES = 1024 * 1024;
const AES = ['aes128', 'aes192', 'aes256'];

/** Keeps the promises of Decipher.decrypt(): throws DECRYPTION_FAILED, or what `source` throws, as it is. */
export async function* decryptMessage(
  source: AsyncIterable<Uint8Array>,
  means: DecryptMeans,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const { bytes, head } = await readHead(iterator);
    const key = head && (await contentKey(head, bytes, means));
    const rest = { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
    if (head && key) yield* decryptContent(head, { key, bytes, rest, aes: means.aes });
    else yield* means.otherwise.decrypt(joined(bytes, rest));
  } finally {
    await iterator.return?.();
  }
}

async function readHead(iterator: AsyncIterator<Uint8Array>): Promise<{ bytes: Uint8Array; head: MessageHead | null }> {
  let bytes: Uint8Array = new Uint8Array(0);
  for (;;) {
    const head = messageHead(bytes);
    if (head !== 'more') return { bytes, head };
    const { value, done } = await iterator.next();
    if (done || bytes.length > MAX_HEAD_BYTES) return { bytes: done ? bytes : concatBytes([bytes, value]), head: null };
    bytes = concatBytes([bytes, value]);
  }
}

/** The session key, when the content is a literal data packet under AES; null: openpgp shall read the message. */
async function contentKey(head: MessageHead, bytes: Uint8Array, means: DecryptMeans): Promise<Uint8Array | null> {
  if (!head.keyPackets.every(hasExactNumbers)) throw failed('a session key in it is malformed');
  const start = bytes.subarray(head.bodyAt, head.bodyAt + CONTENT_START_BYTES);
  const found = await sessionKeys(head, means);
  for (const { data, algorithm } of found) {
    if (!AES.includes(algorithm ?? '')) return null;
    const plain = await decryptStart(data, start, means.aes);
    if (!repeatsItself(plain)) continue;
    // Four octets stand for any length, so that the header is whole; only its tag matters.
    const header = packetHeader(Uint8Array.of(plain[PREFIX_BYTES]!, 0, 0, 0, 0, 0), 0);
    const indeterminate = header?.size === Number.POSITIVE_INFINITY;
    return header?.tag === LITERAL_TAG && !indeterminate ? data : null;
  }
  throw failed('its content does not begin as its session key says');
}

async function sessionKeys(head: MessageHead, means: DecryptMeans): Promise<readonly SessionKey[]> {
  try {
    return await means.openSessionKeys(head);
  } catch (cause) {
    const ids = head.keyPackets.map((body) => recipientKeyId(body) ?? 'a recipient that is not named');
    throw failed(`none of the private keys opens it; it is to ${ids.join(', ')}`, cause);
  }
}

async function decryptStart(key: Uint8Array, start: Uint8Array, aes: AesCfb): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const plain of aes(key, each(start))) parts.push(plain);
  return concatBytes(parts);
}

function repeatsItself(plain: Uint8Array): boolean {
  return plain[PREFIX_BYTES - 2] === plain[PREFIX_BYTES - 4] && plain[PREFIX_BYTES - 1] === plain[PREFIX_BYTES - 3];
}

interface Opened {
  readonly key: Uint8Array;
  /** What was read already. */
  readonly bytes: Uint8Array;
  readonly rest: AsyncIterable<Uint8Array>;
  readonly aes: AesCfb;
}

async function* decryptContent(head: MessageHead, { key, bytes, rest, aes }: Opened): AsyncGenerator<Uint8Array> {
  const content = new MessageContent();
  try {
    for await (const plain of aes(key, encryptedBody(head, joined(bytes.subarray(head.bodyAt), rest)))) {
      yield* content.push(plain);
    }
    content.end();
  } catch (error) {
    if (error instanceof ContentDamaged) throw failed(error.message, error);
    throw error;
  }
}

async function* encryptedBody({ body }: MessageHead, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) {
    const { pieces, used } = body.take(bytes);
    yield* pieces;
    if (used < bytes.length) throw new ContentDamaged('something follows its end');
  }
  if (!body.ended) throw new ContentDamaged('it is cut off');
}

async function* joined(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* each(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function failed(why: string, cause?: unknown) {
  return ERRORS.DECRYPTION_FAILED(`the message does not decrypt: ${why}`, { cause });
}
