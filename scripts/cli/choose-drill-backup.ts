import { randomInt } from 'node:crypto';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { listBackups } from '../../supabase/functions/_shared/restore/list-backups.ts';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';

/**
 * The folder of the newest weekly backup, or of a monthly one picked at random: over the months every one gets its turn.
 * Throws BACKUP_MISSING.
 */
export async function chooseDrillBackup(store: Store, cadence: 'weekly' | 'monthly'): Promise<string> {
  const newestFirst = await listBackups(store, `${cadence}/`);
  if (newestFirst.length === 0) {
    throw ERRORS.BACKUP_MISSING(`there is no ${cadence} backup in ${store.location}`, {
      hint: `Make one (scripts/export-critical-data.ts --mode ${cadence}), or drill another with --backup latest.`,
    });
  }
  return newestFirst[cadence === 'weekly' ? 0 : randomInt(newestFirst.length)]!.folder;
}
