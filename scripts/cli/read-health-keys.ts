import { readFile } from 'node:fs/promises';
import type { Environment } from '../../supabase/functions/_shared/config.ts';
import { publicKeysOf } from '../../supabase/functions/_shared/monitor/public-keys-of.ts';

/** The public keys of the variable or of the file that its sibling names; null without either. */
export async function readHealthKeys(environment: Environment, problems: string[]): Promise<string | null> {
  const path = environment('BACKUP_PGP_PUBLIC_KEYS_FILE')?.trim() ?? '';
  if (path === '' || environment('BACKUP_PGP_PUBLIC_KEYS')?.trim()) return publicKeysOf(environment);
  try {
    const text = await readFile(path, 'utf8');
    return publicKeysOf(() => text);
  } catch (error) {
    problems.push(`BACKUP_PGP_PUBLIC_KEYS_FILE must be a file that can be read: ${(error as Error).message}`);
    return null;
  }
}
