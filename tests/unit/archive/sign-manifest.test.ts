import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createMessage, generateKey, readPrivateKey, sign } from 'openpgp';
import {
  createSigner,
  signDetached,
  verifyDetached,
} from '../../../supabase/functions/_shared/archive/sign-manifest.ts';
import { createKeyring, ECC, RSA } from './keyring.ts';

const keyring = createKeyring();
after(() => keyring.close());

const bytes = new TextEncoder().encode('{"format": "holdfast-archive"}\n');
const ecc = keyring.generate([...ECC, 'Name-Real: Signer']);
const rsa = keyring.generate([...RSA, 'Name-Real: Other Signer']);

function verifyWithGpg(content: Uint8Array, signature: Uint8Array): number | null {
  const paths = [join(keyring.home, 'manifest.json.sig'), join(keyring.home, 'manifest.json')] as const;
  writeFileSync(paths[0], signature);
  writeFileSync(paths[1], content);
  return spawnSync('gpg', ['--batch', '--verify', ...paths], { env: keyring.env }).status;
}

for (const [kind, who] of [
  ['Curve25519', ecc],
  ['RSA-4096', rsa],
] as const) {
  test(`gpg --verify accepts our signature by an ${kind} key, and not for other bytes`, async () => {
    const signature = await signDetached(bytes, keyring.exportPrivate(who));
    assert.equal(verifyWithGpg(bytes, signature), 0);
    assert.equal(verifyWithGpg(new Uint8Array([...bytes, 32]), signature), 1);
    const publicKeysArmored = keyring.exportPublic(ecc) + keyring.exportPublic(rsa);
    assert.deepEqual(await verifyDetached(bytes, { signature, publicKeysArmored }), { fingerprint: who });
  });
}

test('signatures of gpg, binary or armored, verify', async () => {
  for (const armor of [[], ['--armor']]) {
    const signature = keyring.gpg(['--local-user', ecc, ...armor, '--detach-sign'], bytes);
    const verified = await verifyDetached(bytes, { signature, publicKeysArmored: keyring.exportPublic(ecc) });
    assert.equal(verified.fingerprint, ecc);
  }
});

test('a signature of other bytes, by a stranger, damaged or absent proves nothing', async () => {
  const signature = await signDetached(bytes, keyring.exportPrivate(ecc));
  const publicKeysArmored = keyring.exportPublic(ecc);
  const invalid = { code: 'SIGNATURE_INVALID' };
  await assert.rejects(verifyDetached(bytes.slice(1), { signature, publicKeysArmored }), invalid);
  await assert.rejects(verifyDetached(bytes, { signature, publicKeysArmored: keyring.exportPublic(rsa) }), invalid);
  await assert.rejects(verifyDetached(bytes, { signature: signature.subarray(0, 20), publicKeysArmored }), invalid);
  await assert.rejects(verifyDetached(bytes, { signature: new Uint8Array(0), publicKeysArmored }), invalid);
  await assert.rejects(verifyDetached(bytes, { signature: bytes, publicKeysArmored }), invalid);
  const flipped = signature.slice();
  flipped[flipped.length - 5]! ^= 1;
  await assert.rejects(verifyDetached(bytes, { signature: flipped, publicKeysArmored }), invalid);
  await assert.rejects(verifyDetached(bytes, { signature, publicKeysArmored: 'no key' }), { code: 'KEY_UNUSABLE' });
});

test('a signer is refused before the backup when its key is public, locked, or has expired', async () => {
  await assert.rejects(createSigner(keyring.exportPublic(ecc)), {
    code: 'KEY_UNUSABLE',
    message: /no armored private key/,
  });
  const { privateKey } = await generateKey({
    userIDs: [{ name: 'Expired' }],
    date: new Date('2024-01-01'),
    keyExpirationTime: 86_400,
  });
  await assert.rejects(createSigner(privateKey), { code: 'KEY_UNUSABLE', message: /cannot sign/ });
});

test('a signature made while the key was valid still proves its backup after the key has expired', async () => {
  const { privateKey, publicKey } = await generateKey({
    userIDs: [{ name: 'Old' }],
    date: new Date('2024-01-01'),
    keyExpirationTime: 365 * 86_400,
  });
  const signature = (await sign({
    message: await createMessage({ binary: bytes }),
    signingKeys: await readPrivateKey({ armoredKey: privateKey }),
    detached: true,
    date: new Date('2024-06-01'),
    format: 'binary',
  })) as Uint8Array;
  const { fingerprint } = await verifyDetached(bytes, { signature, publicKeysArmored: publicKey });
  assert.match(fingerprint, /^[0-9A-F]{40}$/);
});

test('a signing key with a passphrase signs', async () => {
  const locked = createKeyring();
  try {
    const who = locked.generate([...ECC, 'Name-Real: Locked'], 'pass phrase');
    const loopback = ['--pinentry-mode', 'loopback', '--passphrase', 'pass phrase'];
    const armored = locked.gpg([...loopback, '--armor', '--export-secret-keys', who]).toString();
    const signature = await signDetached(bytes, armored, 'pass phrase');
    const verified = await verifyDetached(bytes, { signature, publicKeysArmored: locked.exportPublic(who) });
    assert.equal(verified.fingerprint, who);
    await assert.rejects(signDetached(bytes, armored, 'wrong'), { code: 'KEY_UNUSABLE' });
  } finally {
    locked.close();
  }
});

test('the fingerprint of a signer is the one gpg shows', async () => {
  const signer = await createSigner(keyring.exportPrivate(ecc));
  const shown = execFileSync('gpg', ['--with-colons', '--list-keys', 'Signer'], { env: keyring.env }).toString();
  assert.match(shown, new RegExp(`^fpr:+${signer.fingerprint}:`, 'm'));
});
