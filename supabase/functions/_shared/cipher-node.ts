/** The cipher of scripts: that of archive/cipher.ts with the AES-CFB of node:crypto, which Deno 2.1 lacks. */
import { createCipheriv } from 'node:crypto';
import { type PublicKey, readKeys } from 'openpgp';
import { createCipher, type RecipientCipher } from './archive/cipher.ts';
import { encryptMessage } from './archive/encrypt-message.ts';
import { splitArmor } from './archive/split-armor.ts';

/** Takes and throws what createCipher() of archive/cipher.ts does. */
export async function createNodeCipher(
  publicKeysArmored: string,
  options: { now?: Date } = {},
): Promise<RecipientCipher> {
  const cipher = await createCipher(publicKeysArmored, options);
  const date = options.now ?? new Date();
  const keys = await recipientKeys(publicKeysArmored);
  return { ...cipher, encrypt: (source) => encryptMessage(keys, source, { date, aes: nodeAesCfb }) };
}

/** The keys that createCipher() has checked. */
async function recipientKeys(text: string): Promise<PublicKey[]> {
  const blocks = await Promise.all(splitArmor(text).map((block) => readKeys({ armoredKeys: block.text })));
  const keys = blocks.flat().map((key) => [key.getFingerprint(), key as PublicKey] as const);
  return [...new Map(keys).values()];
}

async function* nodeAesCfb(key: Uint8Array, plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const aes = createCipheriv('aes-256-cfb', key, new Uint8Array(16));
  for await (const bytes of plain) yield aes.update(bytes);
}
