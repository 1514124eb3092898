import { decryptKey, type PrivateKey, readPrivateKeys } from 'openpgp';
import { ERRORS } from '../errors.ts';
import { describeKey } from './check-recipient.ts';
import { splitArmor } from './split-armor.ts';

/**
 * The private keys in a text, unlocked. Throws KEY_UNUSABLE when there is none, or one cannot be read or unlocked.
 * Neither the key nor the passphrase gets into an error.
 */
export async function openPrivateKeys(privateKeysArmored: string, passphrase?: string): Promise<PrivateKey[]> {
  const blocks = splitArmor(privateKeysArmored).filter((block) => block.kind === 'PRIVATE KEY BLOCK');
  if (blocks.length === 0) {
    throw ERRORS.KEY_UNUSABLE(
      'there is no armored private key: the text has no complete block -----BEGIN PGP PRIVATE KEY BLOCK-----',
      {
        hint: 'Give the private key (gpg --export-secret-keys --armor).',
      },
    );
  }
  const keys: PrivateKey[] = [];
  for (const block of blocks) {
    for (const key of await parse(block.text)) keys.push(await unlock(key, passphrase));
  }
  return keys;
}

async function parse(armored: string): Promise<PrivateKey[]> {
  try {
    return await readPrivateKeys({ armoredKeys: armored });
  } catch (cause) {
    throw ERRORS.KEY_UNUSABLE(`an armored private key is malformed: ${(cause as Error).message}`, {
      cause,
      hint: 'Export it again.',
    });
  }
}

async function unlock(key: PrivateKey, passphrase?: string): Promise<PrivateKey> {
  if (key.isDecrypted()) return key;
  if (passphrase === undefined) {
    throw ERRORS.KEY_UNUSABLE(`the private key ${describeKey(key)} is locked and no passphrase was given`, {
      hint: 'Give the passphrase of the private key.',
    });
  }
  try {
    return await decryptKey({ privateKey: key, passphrase });
  } catch {
    throw ERRORS.KEY_UNUSABLE(`the passphrase does not unlock the private key ${describeKey(key)}`, {
      hint: 'Give the passphrase of the private key.',
    });
  }
}
