import { decrypt, type PrivateKey, readMessage } from 'openpgp';
import { ERRORS } from '../errors.ts';
import { inBlocks } from './in-blocks.ts';
import { openPrivateKeys } from './open-private-keys.ts';
import { readStream, toReadableStream } from './web-streams.ts';

export interface Decipher {
  /**
   * The content of one message, streamed. What is yielded is proved genuine only when the stream has ended without an
   * error: nothing may be made final before that. Throws DECRYPTION_FAILED, or what `source` throws.
   */
  decrypt(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

const BLOCK_BYTES = 256 * 1024;

/** Opens messages to any of the private keys. Throws KEY_UNUSABLE when one cannot be read or unlocked. */
export async function createDecipher(privateKeysArmored: string, passphrase?: string): Promise<Decipher> {
  return decipherWith(await openPrivateKeys(privateKeysArmored, passphrase));
}

/** Opens messages to any of these keys, which are unlocked. */
export function decipherWith(keys: PrivateKey[]): Decipher {
  return { decrypt: (source) => decryptWith(keys, source) };
}

/** For archives that are not encrypted. */
export function plainDecipher(): Decipher {
  return { decrypt: (source) => source };
}

async function* decryptWith(keys: PrivateKey[], source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = watched(source);
  try {
    const binaryMessage = toReadableStream(inBlocks(input.bytes, BLOCK_BYTES));
    // Streaming means to hand out bytes before the checksum at the end is seen: the contract above.
    const config = { allowUnauthenticatedStream: true };
    const message = await readMessage({ binaryMessage, config });
    const { data } = await decrypt({ message, decryptionKeys: keys, format: 'binary', config });
    yield* readStream(data as ReadableStream<Uint8Array>);
  } catch (cause) {
    const failure = input.failure();
    if (failure) throw failure.error;
    throw ERRORS.DECRYPTION_FAILED(`the message does not decrypt: ${(cause as Error).message}`, { cause });
  }
}

/** Remembers what the source threw, because the library wraps it. */
function watched(source: AsyncIterable<Uint8Array>) {
  let failure: { error: unknown } | null = null;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  return { bytes: bytes(), failure: () => failure as { error: unknown } | null };
}
