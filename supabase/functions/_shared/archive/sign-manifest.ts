/** Detached signatures of a manifest: `gpg --verify manifest.json.sig manifest.json`. */
import { createMessage, type PublicKey, readKeys, readSignature, sign, verify } from 'openpgp';
import { ERRORS } from '../errors.ts';
import { openPrivateKeys } from './open-private-keys.ts';
import { splitArmor } from './split-armor.ts';

export interface Signer {
  /** Upper-case hex fingerprint of the primary key; the manifest names it before it is signed. */
  readonly fingerprint: string;
  /** A binary signature. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Throws KEY_UNUSABLE when the key cannot be read, unlocked, or cannot sign today. */
export async function createSigner(privateSigningKeyArmored: string, passphrase?: string): Promise<Signer> {
  const [key] = await openPrivateKeys(privateSigningKeyArmored, passphrase);
  const signer = {
    fingerprint: key!.getFingerprint().toUpperCase(),
    async sign(bytes: Uint8Array): Promise<Uint8Array> {
      try {
        const message = await createMessage({ binary: bytes });
        return (await sign({ message, signingKeys: [key!], detached: true, format: 'binary' })) as Uint8Array;
      } catch (cause) {
        throw ERRORS.KEY_UNUSABLE(
          `the key ${key!.getFingerprint().toUpperCase()} cannot sign: ${(cause as Error).message}`,
          {
            cause,
            hint: 'Give a signing key that is valid today.',
          },
        );
      }
    },
  };
  await signer.sign(new Uint8Array(0)); // an expired key must be found before the backup, not after it
  return signer;
}

/** A binary signature of the bytes. Throws KEY_UNUSABLE. */
export async function signDetached(
  bytes: Uint8Array,
  privateSigningKeyArmored: string,
  passphrase?: string,
): Promise<Uint8Array> {
  const signer = await createSigner(privateSigningKeyArmored, passphrase);
  return await signer.sign(bytes);
}

/**
 * Checks a binary or armored signature against public keys and returns the primary fingerprint of the signer.
 * Throws SIGNATURE_INVALID when it is of other bytes, by another key, or no signature; KEY_UNUSABLE for a bad key.
 */
export async function verifyDetached(
  bytes: Uint8Array,
  options: { readonly signature: Uint8Array; readonly publicKeysArmored: string },
): Promise<{ fingerprint: string }> {
  const keys = await readVerificationKeys(options.publicKeysArmored);
  try {
    const signature = await parseSignature(options.signature);
    const message = await createMessage({ binary: bytes });
    const { signatures } = await verify({ message, signature, verificationKeys: keys, format: 'binary' });
    const [first] = signatures;
    if (!first) throw new Error('there is no signature in it');
    await first.verified;
    const signer = keys.find((key) => key.getKeys(first.keyID).length > 0);
    return { fingerprint: signer!.getFingerprint().toUpperCase() };
  } catch (cause) {
    throw ERRORS.SIGNATURE_INVALID(`the signature does not prove these bytes: ${(cause as Error).message}`, { cause });
  }
}

async function parseSignature(signature: Uint8Array) {
  // Every binary packet starts with the high bit set; armor is ASCII.
  if ((signature[0] ?? 0) >= 0x80) return await readSignature({ binarySignature: signature });
  return await readSignature({ armoredSignature: new TextDecoder().decode(signature) });
}

async function readVerificationKeys(armored: string): Promise<PublicKey[]> {
  const blocks = splitArmor(armored);
  if (blocks.length === 0) throw ERRORS.KEY_UNUSABLE('there is no armored public key to verify with');
  try {
    const keys = await Promise.all(blocks.map((block) => readKeys({ armoredKeys: block.text })));
    return keys.flat() as PublicKey[];
  } catch (cause) {
    throw ERRORS.KEY_UNUSABLE(`an armored key is malformed: ${(cause as Error).message}`, { cause });
  }
}
