import { createHash } from 'node:crypto';
import type { Archive } from '../contracts.ts';
import { findBackup } from '../find-backup.ts';
import { loadManifest } from '../load-manifest.ts';
import { openArchive } from '../open-archive.ts';
import { objectReader } from '../read-objects.ts';
import type { DrillMeans } from './drill-means.ts';

export interface DrillArchive {
  readonly archive: Archive;
  /** Hex; of the manifest as it was understood. */
  readonly manifestSha256: string;
}

/**
 * With the private key: opened, and the key is known to fit. Without: its stored bytes can be read.
 * Throws what openArchive() and findBackup() throw.
 */
export async function openDrillArchive(means: DrillMeans, backupId: string): Promise<DrillArchive> {
  const { store, verificationKeys } = means;
  const folder = means.folder ?? (await findBackup(store, backupId));
  const decipher = means.decipher ? await means.decipher() : null;
  const input = { store, folder, decipher, verificationKeys };
  const archive = decipher ? await openArchive(input) : await openStored(input);
  const manifestSha256 = createHash('sha256').update(JSON.stringify(archive.manifest)).digest('hex');
  return { archive, manifestSha256 };
}

async function openStored(input: Parameters<typeof openArchive>[0]): Promise<Archive> {
  const { manifest, signedBy } = await loadManifest(input);
  return {
    location: `${input.store.location}, folder ${input.folder}`,
    manifest,
    signedBy,
    ...objectReader(input, manifest),
  };
}
