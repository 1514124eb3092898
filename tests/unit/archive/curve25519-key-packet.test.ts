/** The library, whose curve and key derivation are its own, opens what we write; GnuPG does in cipher.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decryptSessionKeys, generateKey, type PrivateKey, readMessage } from 'openpgp';
import { concatBytes } from '../../../supabase/functions/_shared/archive/concat-bytes.ts';
import { curve25519KeyPacket } from '../../../supabase/functions/_shared/archive/curve25519-key-packet.ts';

const userIDs = [{ name: 'Curve' }];
const sessionKey = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
/** A SEIPD packet, version 1: the library wants one after the packets that carry the session key. */
const CONTENT = Uint8Array.of(0xd2, 2, 1, 0);

async function curveKey(kdf: object = {}): Promise<PrivateKey> {
  const { privateKey } = await generateKey({ type: 'ecc', curve: 'curve25519Legacy', userIDs, format: 'object' });
  for (const { keyPacket } of privateKey.subkeys) {
    const { kdfParams } = keyPacket.publicParams as { kdfParams: object };
    Object.assign(kdfParams, kdf);
  }
  return privateKey;
}

async function opened(packet: Uint8Array, decryptionKeys: PrivateKey) {
  const message = await readMessage({ binaryMessage: concatBytes([packet, CONTENT]) });
  return await decryptSessionKeys({ message, decryptionKeys });
}

for (const hash of [8, 9, 10]) {
  for (const cipher of [7, 8, 9]) {
    test(`a key whose derivation is hash ${hash} and cipher ${cipher} opens its packet`, async () => {
      const key = await curveKey({ hash, cipher });
      const packet = await curve25519KeyPacket(await key.getEncryptionKey(), sessionKey);
      const [found] = await opened(packet!, key);
      assert.deepEqual(found, { data: sessionKey, algorithm: 'aes256' });
    });
  }
}

test('no other key opens it', async () => {
  const packet = await curve25519KeyPacket(await (await curveKey()).getEncryptionKey(), sessionKey);
  await assert.rejects(opened(packet!, await curveKey()));
});

test('two packets to one key share nothing but their heads', async () => {
  const key = await (await curveKey()).getEncryptionKey();
  const [one, other] = [await curve25519KeyPacket(key, sessionKey), await curve25519KeyPacket(key, sessionKey)];
  assert.deepEqual(one!.subarray(0, 15), other!.subarray(0, 15));
  assert.notDeepEqual(one!.subarray(15, 47), other!.subarray(15, 47));
  assert.notDeepEqual(one!.subarray(48), other!.subarray(48));
});

test('a key of another kind, or with a derivation that is unknown, is left to the library', async () => {
  const rsa = await generateKey({ type: 'rsa', rsaBits: 2048, userIDs, format: 'object' });
  const nist = await generateKey({ type: 'ecc', curve: 'nistP256', userIDs, format: 'object' });
  const strange = await curveKey({ hash: 2 });
  for (const key of [rsa.privateKey, nist.privateKey, strange]) {
    assert.equal(await curve25519KeyPacket(await key.getEncryptionKey(), sessionKey), null);
  }
});
