import { normalizeArmor } from '../config/pgp-armor.ts';
import type { Environment } from '../config.ts';

/** What BACKUP_PGP_PUBLIC_KEYS holds, also where it breaks its rule: then the check of the keys says so. */
export function publicKeysOf(environment: Environment): string | null {
  const raw = environment('BACKUP_PGP_PUBLIC_KEYS')?.trim() ?? '';
  return raw === '' ? null : (normalizeArmor(raw, 'PUBLIC') ?? raw);
}
