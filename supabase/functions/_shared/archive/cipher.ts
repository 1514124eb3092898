/** Encrypts an archive's objects to public keys, as messages that GnuPG 2.2 reads. */
import { type PublicKey, readKeys } from 'openpgp';
import { ERRORS } from '../errors.ts';
import { aesCfbByCbc } from './aes-cfb-by-cbc.ts';
import { checkRecipient } from './check-recipient.ts';
import type { Cipher, Recipient } from './contracts.ts';
import { encryptMessage } from './encrypt-message.ts';
import { splitArmor } from './split-armor.ts';

const WARN_BEFORE_EXPIRY_MS = 30 * 24 * 3600 * 1000;

export interface RecipientCipher extends Cipher {
  /** For people: keys that expire within 30 days. */
  readonly warnings: string[];
}

/**
 * A cipher to all keys in the text: one or more armored blocks, each with one or more keys.
 * Throws KEY_UNUSABLE before any work when one of them is malformed, private, expired, revoked or cannot encrypt.
 * @param options.now the moment that keys must be valid at; default: now
 */
export async function createCipher(publicKeysArmored: string, options: { now?: Date } = {}): Promise<RecipientCipher> {
  const now = options.now ?? new Date();
  const keys = await readPublicKeys(publicKeysArmored);
  const recipients: Recipient[] = [];
  for (const key of keys) recipients.push(await checkRecipient(key, now));
  return {
    extension: '.pgp',
    recipients,
    warnings: recipients.filter((one) => expiresSoon(one, now)).map(warning),
    encrypt: (source) => encryptMessage(keys as PublicKey[], source, { date: now, aes: aesCfbByCbc }),
  };
}

async function readPublicKeys(text: string): Promise<PublicKey[]> {
  const blocks = splitArmor(text);
  const begun = text.match(/-----BEGIN PGP /g)?.length ?? 0;
  if (blocks.length === 0) {
    throw ERRORS.KEY_UNUSABLE(
      'there is no armored public key: the text has no complete block -----BEGIN PGP PUBLIC KEY BLOCK-----',
    );
  }
  // A recipient who was named must never be dropped in silence.
  if (begun !== blocks.length)
    throw ERRORS.KEY_UNUSABLE('an armored block is cut off: it has a BEGIN line but no END line');
  const keys = new Map<string, PublicKey>();
  for (const block of blocks) {
    for (const key of await readBlock(block)) keys.set(key.getFingerprint(), key);
  }
  return [...keys.values()];
}

async function readBlock({ kind, text }: { kind: string; text: string }): Promise<PublicKey[]> {
  if (!kind.endsWith('KEY BLOCK'))
    throw ERRORS.KEY_UNUSABLE(`an armored block is a PGP ${kind}, not a PUBLIC KEY BLOCK`);
  try {
    return (await readKeys({ armoredKeys: text })) as PublicKey[];
  } catch (cause) {
    throw ERRORS.KEY_UNUSABLE(`an armored key is malformed: ${(cause as Error).message}`, { cause });
  }
}

function expiresSoon({ expiresAt }: Recipient, now: Date): boolean {
  return expiresAt !== null && Date.parse(expiresAt) - now.getTime() < WARN_BEFORE_EXPIRY_MS;
}

function warning({ fingerprint, userId, expiresAt }: Recipient): string {
  return `the key ${fingerprint} ${userId} expires on ${expiresAt}; backups stop on that day unless it is renewed or replaced`;
}

/** No encryption, for stores that only their owner can read, and only when asked for. */
export function plainCipher(): RecipientCipher {
  return { extension: '', recipients: [], warnings: [], encrypt: (source) => source };
}
