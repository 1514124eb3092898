import { encryptSessionKey, type PublicKey } from 'openpgp';
import { concatBytes } from './concat-bytes.ts';
import { curve25519KeyPacket } from './curve25519-key-packet.ts';

/**
 * The packets at a message's start, one for each recipient: each key alone opens the session key, 32 bytes for AES-256.
 * `date`: the moment that the keys must be valid at. Throws what openpgp throws for a key that cannot encrypt.
 */
export async function carrySessionKey(keys: readonly PublicKey[], sessionKey: Uint8Array, date: Date) {
  const packets: Uint8Array[] = [];
  for (const key of keys) {
    const own = await curve25519KeyPacket(await key.getEncryptionKey(undefined, date), sessionKey);
    packets.push(own ?? (await byLibrary(key, sessionKey, date)));
  }
  return concatBytes(packets);
}

async function byLibrary(key: PublicKey, sessionKey: Uint8Array, date: Date): Promise<Uint8Array> {
  const options = { data: sessionKey, algorithm: 'aes256' as const, encryptionKeys: [key], date };
  return (await encryptSessionKey({ ...options, format: 'binary' })) as Uint8Array;
}
