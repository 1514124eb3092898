/** What the tests of restores share: an archive made by the export command, opened for reading. */
import { join } from 'node:path';
import { createNodeDecipher } from '../../../supabase/functions/_shared/decipher-node.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import type { Archive, RestoreOptions, RestoreReport } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { openArchive } from '../../../supabase/functions/_shared/restore/open-archive.ts';
import { restoreDatabase } from '../../../supabase/functions/_shared/restore/restore-database.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { exportJson, type Keyring } from '../export/export-harness.ts';

export interface MadeBackup {
  readonly directory: string;
  readonly folder: string;
  readonly backupId: string;
  open(): Promise<Archive>;
}

/** Exports the database into the directory, encrypted to the keyring's key. */
export async function makeBackup(
  url: string,
  { keys, out, args = ['--mode', 'full'] }: { keys: Keyring; out: string; args?: readonly string[] },
): Promise<MadeBackup> {
  const env = { DATABASE_URL: url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
  const made = await exportJson([...args, '--out', out], env);
  return {
    directory: out,
    folder: made.folder,
    backupId: made.backup_id,
    async open() {
      const secret = keys.gpg(['--armor', '--export-secret-keys']).toString();
      const decipher = await createNodeDecipher(secret);
      return await openArchive({
        store: createDirectoryStore(out),
        folder: made.folder,
        decipher,
        verificationKeys: null,
      });
    },
  };
}

export const WHOLE: RestoreOptions = {
  tables: null,
  schemas: null,
  renameSchema: null,
  only: null,
  onConflict: 'fail',
  jobs: 3,
  activate: true,
};

export async function restore(
  backup: MadeBackup,
  targetUrl: string,
  options: Partial<RestoreOptions> = {},
  signal?: AbortSignal,
): Promise<RestoreReport> {
  const means = { platform: nodePlatform, targetUrl, archive: await backup.open() };
  return await restoreDatabase(means, { options: { ...WHOLE, ...options }, signal });
}

export const manifestPath = ({ directory, folder }: MadeBackup) => join(directory, folder, 'manifest.json');
