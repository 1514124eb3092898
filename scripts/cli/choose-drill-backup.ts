import { randomInt } from 'node:crypto';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';

/**
 * The folder of the newest weekly backup, or of a monthly one picked at random: over the months every one gets its turn.
 * Throws BACKUP_MISSING.
 */
export async function chooseDrillBackup(store: Store, cadence: 'weekly' | 'monthly'): Promise<string> {
  const folders: string[] = [];
  for await (const { key } of store.list(`${cadence}/`)) {
    if (/^[^/]+\/[^/]+\/[^/]+\/manifest\.json$/.test(key)) folders.push(key.slice(0, key.lastIndexOf('/')));
  }
  if (folders.length === 0) {
    throw ERRORS.BACKUP_MISSING(`there is no ${cadence} backup in ${store.location}`, {
      hint: `Make one (scripts/export-critical-data.ts --mode ${cadence}), or drill another with --backup latest.`,
    });
  }
  // The id begins with the cadence and the time in UTC, so its order is that of time.
  const newestFirst = folders.sort((one, other) => (idOf(one) < idOf(other) ? 1 : -1));
  return cadence === 'weekly' ? newestFirst[0]! : newestFirst[randomInt(newestFirst.length)]!;
}

const idOf = (folder: string) => folder.slice(folder.lastIndexOf('/') + 1);
