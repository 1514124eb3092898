import { parseBackupId } from '../domain/backup-id.ts';
import type { Manifest } from '../domain/manifest-types.ts';
import { backupFolder } from '../domain/object-path.ts';
import { ERRORS } from '../errors.ts';
import { MANIFEST_FILE } from './manifest-file.ts';

/**
 * A signed manifest of another backup, put in the place of this one, would pass every other check. `placed`: the folder
 * must also be where the store keeps this backup; a copy of it elsewhere would count it twice. Throws MANIFEST_INVALID.
 */
export function refuseOtherBackup(
  { backup_id: backupId, cadence, period }: Manifest,
  folder: string,
  { placed = false }: { placed?: boolean } = {},
): void {
  const name = folder.split('/').at(-1)!;
  const own = placed ? backupFolder({ cadence, period, backupId }) : backupId;
  const found = placed ? folder : name;
  if (found === own || (!placed && parseBackupId(name) === null)) return;
  throw ERRORS.MANIFEST_INVALID(`the manifest is of the backup ${own}, but its folder is ${found}`, {
    details: { object: MANIFEST_FILE },
    hint: 'Somebody put it there; move the backup back, or use another copy of it.',
  });
}
