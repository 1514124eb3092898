import type { Recipient } from '../../archive/contracts.ts';
import { HoldfastError } from '../../errors.ts';
import type { CheckItem, HealthCheck } from '../contracts.ts';
import { healthy, inconclusive, rounded, unhealthy } from '../verdicts.ts';

const DAY_MS = 86_400_000;
const TODO =
  "Renew it (gpg --quick-set-expire <fingerprint> 1y, and the same with '*' for its subkeys) or make a new one, export it, and set BACKUP_PGP_PUBLIC_KEYS anew. Keep the old private key: it opens the old backups.";

export const keyExpiry: HealthCheck = {
  name: 'key_expiry',
  title: 'Expiry of public keys',
  category: 'security',
  unit: 'days',
  ofConfiguration: true,
  async run({ publicKeys, now, threshold }) {
    const limit = threshold('key_expiry_days');
    if (publicKeys === null) {
      return inconclusive({ detail: 'the configuration at hand has no BACKUP_PGP_PUBLIC_KEYS', threshold: limit });
    }
    const found = await readRecipients(publicKeys, now);
    if (found instanceof HoldfastError) {
      return unhealthy('critical', { detail: found.message, threshold: limit, todo: TODO });
    }
    const items = found.map((recipient) => keyLine(recipient, { now, limit }));
    const [first] = items.toSorted(
      (a, b) => (a.value ?? Number.POSITIVE_INFINITY) - (b.value ?? Number.POSITIVE_INFINITY),
    );
    const facts = { detail: first!.detail, value: first!.value, threshold: limit, items };
    return first!.state === 'healthy' ? healthy(facts) : unhealthy('warning', { ...facts, todo: TODO });
  },
};

/** An error where a key cannot be used at all: backups fail already. */
async function readRecipients(publicKeys: string, now: Date): Promise<readonly Recipient[] | HoldfastError> {
  // Loaded when needed: reading OpenPGP's code costs a tenth of a call's CPU.
  const { createCipher } = await import('../../archive/cipher.ts');
  try {
    return (await createCipher(publicKeys, { now })).recipients;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'KEY_UNUSABLE') return error;
    throw error;
  }
}

function keyLine({ fingerprint, expiresAt }: Recipient, { now, limit }: { now: Date; limit: number }): CheckItem {
  const days = expiresAt === null ? null : (Date.parse(expiresAt) - now.getTime()) / DAY_MS;
  return {
    name: fingerprint,
    state: days === null || days >= limit ? 'healthy' : 'unhealthy',
    value: days === null ? null : rounded(days),
    threshold: limit,
    detail: `the key ${fingerprint} ${days === null ? 'never expires' : `expires on ${expiresAt!.slice(0, 10)}`}`,
  };
}
