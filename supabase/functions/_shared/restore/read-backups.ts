/** Every backup of a store with its manifest: what a catalogue shows, and what a lost ledger is rebuilt from. */
import { createHash } from 'node:crypto';
import { readManifest } from '../archive/read-manifest.ts';
import type { BackupIdParts } from '../domain/backup-id.ts';
import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { keyIn } from './archive-input.ts';
import { type BackupFolder, backupFolders } from './backup-folders.ts';
import { MANIFEST_FILE, MAX_MANIFEST_BYTES } from './manifest-file.ts';
import { refuseOtherBackup } from './refuse-other-backup.ts';

export interface FoundBackup {
  /** Below the store's location, without a slash at the end. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Of manifest.json as it is stored. */
  readonly manifestBytes: number;
  /** Hex, of manifest.json as it is stored. */
  readonly manifestSha256: string;
}

/** A folder whose manifest.json cannot be read as one: MANIFEST_INVALID or MANIFEST_TOO_NEW. */
export interface DamagedBackup {
  readonly folder: string;
  readonly problem: HoldfastError;
}

/** Manifests read at the same time, and their bytes together: one large manifest waits for no others, nor they for it. */
const MAX_READS = 8;
const MAX_READ_BYTES = 32 * 1024 * 1024;

interface Read {
  readonly size: number;
  /** Null when the manifest went away after it was listed: a backup that was being deleted. */
  readonly backup: Promise<FoundBackup | DamagedBackup | null>;
}

/**
 * In the order of their folders. Lists every object of the store once; reads several manifests ahead, in bounded
 * memory. Folders without a manifest are no backups and are passed over, as are those that are not `wanted` by their
 * names; their manifests are not read. Throws STORE_*.
 */
export async function* readBackups(
  store: Store,
  wanted: (named: BackupIdParts) => boolean = () => true,
): AsyncGenerator<FoundBackup | DamagedBackup> {
  const reads: Read[] = [];
  let bytes = 0;
  const takeFirst = async () => {
    const first = reads.shift()!;
    bytes -= first.size;
    return await first.backup;
  };
  for await (const found of backupFolders(store)) {
    const { folder, named, manifestBytes: size } = found;
    if (!isInPlace(found) || !wanted(named)) continue;
    while (reads.length > 0 && (reads.length >= MAX_READS || bytes + size > MAX_READ_BYTES)) {
      const backup = await takeFirst();
      if (backup) yield backup;
    }
    bytes += size;
    reads.push({ size, backup: startRead(store, folder) });
  }
  while (reads.length > 0) {
    const backup = await takeFirst();
    if (backup) yield backup;
  }
}

/** `<cadence>/<period>/<backup_id>`: what is elsewhere somebody put there. */
function isInPlace({ folder, named }: BackupFolder): boolean {
  const [cadence, , ...rest] = folder.split('/');
  return rest.length === 1 && named.cadence === cadence;
}

function startRead(store: Store, folder: string): Read['backup'] {
  const backup = readOne(store, folder);
  // It is awaited in its turn; until then, or when nobody asks on, a failure must not end the process.
  backup.catch(() => {});
  return backup;
}

async function readOne(store: Store, folder: string): Promise<FoundBackup | DamagedBackup | null> {
  try {
    const bytes = await store.getBytes(keyIn(folder, MANIFEST_FILE), MAX_MANIFEST_BYTES);
    const manifest = await readManifest(bytes);
    refuseOtherBackup(manifest, folder, { placed: true });
    const manifestSha256 = createHash('sha256').update(bytes).digest('hex');
    return { folder, manifest, manifestBytes: bytes.length, manifestSha256 };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === 'OBJECT_MISSING') return null;
    if (error.code === 'MANIFEST_INVALID' || error.code === 'MANIFEST_TOO_NEW') return { folder, problem: error };
    if (error.code !== 'OBJECT_TOO_LARGE') throw error;
    return { folder, problem: ERRORS.MANIFEST_INVALID(error.message, { cause: error }) };
  }
}
