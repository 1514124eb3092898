/** Makes the PGP keys that a stack encrypts and signs its backups with. They protect demo data only: no passphrase. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateKey } from 'openpgp';

export interface StackKeys {
  /** Armored public key to encrypt to, and the file that holds it. */
  readonly publicKey: string;
  readonly publicKeyFile: string;
  readonly privateKeyFile: string;
  /** Armored private key that signs manifests, and the file that holds it. */
  readonly signingKey: string;
  readonly signingKeyFile: string;
  readonly signingPublicKeyFile: string;
}

/** curve25519Legacy is what GnuPG 2.2 reads; an RSA-4096 key takes seconds to make. */
export type KeyAlgorithm = 'curve25519Legacy' | 'rsa4096';

/** Writes the keys under `dir`, readable by the owner only. */
export async function makeKeys(dir: string, options: { algorithm?: KeyAlgorithm } = {}): Promise<StackKeys> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const algorithm = options.algorithm ?? 'curve25519Legacy';
  const [backup, signing] = await Promise.all([
    makeKeyPair('Holdfast stack backup key', algorithm),
    makeKeyPair('Holdfast stack signing key', algorithm),
  ]);
  return {
    publicKey: backup.publicKey,
    publicKeyFile: await writePrivately(join(dir, 'backup-public.asc'), backup.publicKey),
    privateKeyFile: await writePrivately(join(dir, 'backup-private.asc'), backup.privateKey),
    signingKey: signing.privateKey,
    signingKeyFile: await writePrivately(join(dir, 'signing-private.asc'), signing.privateKey),
    signingPublicKeyFile: await writePrivately(join(dir, 'signing-public.asc'), signing.publicKey),
  };
}

async function makeKeyPair(name: string, algorithm: KeyAlgorithm): Promise<{ publicKey: string; privateKey: string }> {
  const userIDs = [{ name, email: 'stack@example.com' }];
  const { publicKey, privateKey } =
    algorithm === 'rsa4096'
      ? await generateKey({ type: 'rsa', rsaBits: 4096, userIDs, format: 'armored' })
      : await generateKey({ type: 'ecc', curve: 'curve25519Legacy', userIDs, format: 'armored' });
  return { publicKey, privateKey };
}

async function writePrivately(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
