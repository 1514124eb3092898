/** The decipher of scripts: that of archive/decipher.ts with the bulk in node:crypto. */
import { createCipheriv } from 'node:crypto';
import { decryptSessionKeys, type PrivateKey, readMessage } from 'openpgp';
import { BLOCK_BYTES, CfbChunk } from './archive/cfb-chunk.ts';
import { type Decipher, decipherWith } from './archive/decipher.ts';
import { type DecryptMeans, decryptMessage } from './archive/decrypt-message.ts';
import { openPrivateKeys } from './archive/open-private-keys.ts';
import { rsaSessionKeyOpener } from './open-session-key-node.ts';

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
  const chunk = new CfbChunk(); // in front the encrypted block before
  const decryptChunk = (): Uint8Array => {
    const { bytes, blockBytes, filledBytes } = chunk;
    const added = aes.update(bytes.subarray(0, blockBytes));
    chunk.addTo(new Uint32Array(added.buffer, added.byteOffset, blockBytes / 4));
    bytes.copyWithin(0, blockBytes, blockBytes + BLOCK_BYTES);
    return added.subarray(0, filledBytes);
  };
  for await (const bytes of encrypted) {
    for (let at = 0; at < bytes.length; ) {
      at = chunk.fill(bytes, at);
      if (!chunk.isFull) continue;
      yield decryptChunk();
      chunk.filledBytes = 0;
    }
  }
  if (chunk.filledBytes > 0) yield decryptChunk();
}
