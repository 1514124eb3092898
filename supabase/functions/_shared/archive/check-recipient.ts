/** Says whether a public key can receive a backup today, and if not, why, in words that its owner understands. */
import type { Key, Subkey } from 'openpgp';
import { ERRORS, type HoldfastError } from '../errors.ts';
import type { Recipient } from './contracts.ts';

/** What GnuPG 2.2 can decrypt with. */
const READABLE_ALGORITHMS = ['rsaEncryptSign', 'rsaEncrypt', 'ecdh', 'elgamal'];

/** `fingerprint user id`, as errors name a key. */
export function describeKey(key: Key): string {
  return `${key.getFingerprint().toUpperCase()} ${key.getUserIDs()[0] ?? '(no user id)'}`;
}

/** Throws KEY_UNUSABLE for a key that is private, expired, revoked, sign-only, or that GnuPG 2.2 cannot use. */
export async function checkRecipient(key: Key, now: Date): Promise<Recipient> {
  if (key.isPrivate()) {
    throw unusable(key, 'is a private key', {
      hint: 'Give the public key only (gpg --export --armor), and treat this private key as known to whoever could read it here.',
    });
  }
  if (key.keyPacket.version !== 4)
    throw unusable(key, `has version ${key.keyPacket.version}, which GnuPG 2.2 cannot read`);
  if (await key.isRevoked(undefined, undefined, now)) throw unusable(key, 'is revoked');
  const expiry = asDate(await key.getExpirationTime().catch(() => null));
  if (expiry && expiry <= now) throw unusable(key, `expired on ${expiry.toISOString()}`);
  const encryption = await encryptionKey(key, now);
  const { algorithm } = encryption.getAlgorithmInfo();
  if (!READABLE_ALGORITHMS.includes(algorithm)) {
    throw unusable(key, `encrypts with ${algorithm}, which GnuPG 2.2 cannot read`);
  }
  const subkeyExpiry = encryption === key ? null : asDate(await (encryption as Subkey).getExpirationTime(now));
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    userId: key.getUserIDs()[0] ?? '',
    expiresAt: earliest(expiry, subkeyExpiry)?.toISOString() ?? null,
  };
}

async function encryptionKey(key: Key, now: Date): Promise<Key | Subkey> {
  try {
    return await key.getEncryptionKey(undefined, now);
  } catch (cause) {
    throw unusable(key, `cannot encrypt: ${await reason(key, cause, now)}`, { cause });
  }
}

async function reason(key: Key, cause: unknown, now: Date): Promise<string> {
  for (const subkey of key.subkeys) {
    const expiry = asDate(await subkey.getExpirationTime(now).catch(() => null));
    if (expiry && expiry <= now) return `its subkey expired on ${expiry.toISOString()}`;
  }
  if (key.subkeys.some((subkey) => subkey.revocationSignatures.length > 0)) return 'its subkey is revoked';
  const message = cause instanceof Error ? cause.message : String(cause);
  // The library ends with the reason only where it knows one; a key that just signs has none.
  const known = message.match(/^Could not find valid encryption key packet in key [0-9a-f]+: (.+)$/s)?.[1];
  return known ?? (message.startsWith('Could not find valid encryption key') ? 'it can only sign' : message);
}

function unusable(key: Key, why: string, options: { hint?: string; cause?: unknown } = {}): HoldfastError {
  return ERRORS.KEY_UNUSABLE(`the key ${describeKey(key)} ${why}`, {
    ...options,
    details: { fingerprint: key.getFingerprint().toUpperCase(), user_id: key.getUserIDs()[0] ?? '', reason: why },
  });
}

/** The library answers Infinity for never, and null when it finds no valid signature. */
function asDate(time: Date | number | null): Date | null {
  return time instanceof Date ? time : null;
}

function earliest(a: Date | null, b: Date | null): Date | null {
  if (!a || !b) return a ?? b;
  return a < b ? a : b;
}
