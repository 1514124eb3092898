/** The decipher of scripts: that of archive/decipher.ts with the bulk in node:crypto. */
import { createCipheriv } from 'node:crypto';
import { decryptSessionKeys, type PrivateKey, readMessage } from 'openpgp';
import { type Decipher, decipherWith } from './archive/decipher.ts';
import { type DecryptMeans, decryptMessage } from './archive/decrypt-message.ts';
import { openPrivateKeys } from './archive/open-private-keys.ts';
import { rsaSessionKeyOpener } from './open-session-key-node.ts';

const BLOCK_BYTES = 16;
/** Large enough that a call to OpenSSL costs nothing; a multiple of a block. */
const CHUNK_BYTES = 256 * 1024;
/** What most objects of a database with many tables fit into. */
const FIRST_BYTES = 16 * 1024;

/** Takes and throws what createDecipher() of archive/decipher.ts does. */
export async function createNodeDecipher(privateKeysArmored: string, passphrase?: string): Promise<Decipher> {
  const keys = await openPrivateKeys(privateKeysArmored, passphrase);
  return nodeDecipher(keys, decipherWith(keys));
}

/** With unlocked keys; `otherwise` reads the messages that decryptMessage() does not. */
export function nodeDecipher(keys: PrivateKey[], otherwise: Decipher): Decipher {
  const openRsa = rsaSessionKeyOpener(keys);
  const means: DecryptMeans = {
    aes: decryptCfb,
    otherwise,
    async openSessionKeys({ keyBytes, keyPackets }) {
      for (const body of keyPackets) {
        const opened = openRsa(body);
        if (opened) return [opened];
      }
      const message = await readMessage({ binaryMessage: keyBytes.slice() });
      return await decryptSessionKeys({ message, decryptionKeys: keys });
    },
  };
  return { decrypt: (source) => decryptMessage(source, means) };
}

/**
 * CFB adds to each block the encryption of the encrypted block before it. All of those are known here, so they are
 * encrypted at once, as ECB, which OpenSSL does for several blocks at a time; its own CFB takes twice as long.
 */
async function* decryptCfb(key: Uint8Array, encrypted: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const aes = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  let chunk = new Uint8Array(BLOCK_BYTES + FIRST_BYTES); // the block before, at first of zeros, and what is to be decrypted
  let filled = 0;
  const decryptChunk = (): Uint8Array => {
    const blocks = Math.ceil(filled / BLOCK_BYTES) * BLOCK_BYTES;
    const added = aes.update(chunk.subarray(0, blocks));
    const words = new Uint32Array(added.buffer, added.byteOffset, blocks / 4);
    const theirs = new Uint32Array(chunk.buffer, BLOCK_BYTES, blocks / 4);
    for (let index = 0; index < words.length; index++) words[index]! ^= theirs[index]!;
    chunk.copyWithin(0, blocks, blocks + BLOCK_BYTES);
    return added.subarray(0, filled);
  };
  for await (const bytes of encrypted) {
    for (let taken = 0; taken < bytes.length; ) {
      const count = Math.min(bytes.length - taken, CHUNK_BYTES - filled);
      if (BLOCK_BYTES + filled + count > chunk.length) chunk = enlarged(chunk);
      chunk.set(bytes.subarray(taken, taken + count), BLOCK_BYTES + filled);
      taken += count;
      filled += count;
      if (filled < CHUNK_BYTES) continue;
      yield decryptChunk();
      filled = 0;
    }
  }
  if (filled > 0) yield decryptChunk();
}

function enlarged(chunk: Uint8Array): Uint8Array {
  const large = new Uint8Array(BLOCK_BYTES + CHUNK_BYTES);
  large.set(chunk);
  return large;
}
