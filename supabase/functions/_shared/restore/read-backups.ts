/** Every backup of a store with its manifest: what a catalogue shows, and what a lost ledger is rebuilt from. */
import { createHash } from 'node:crypto';
import { readManifest } from '../archive/read-manifest.ts';
import { type BackupIdParts, parseBackupId } from '../domain/backup-id.ts';
import type { Manifest } from '../domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';

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

const MANIFEST = '/manifest.json';
/** A manifest lists every object; 100,000 of them are about 40 MB. */
const MAX_MANIFEST_BYTES = 64 * 1024 * 1024;
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
  for await (const { key, size } of store.list('')) {
    const named = backupOfManifest(key);
    if (!named || !wanted(named)) continue;
    while (reads.length > 0 && (reads.length >= MAX_READS || bytes + size > MAX_READ_BYTES)) {
      const backup = await takeFirst();
      if (backup) yield backup;
    }
    bytes += size;
    reads.push({ size, backup: startRead(store, key.slice(0, -MANIFEST.length)) });
  }
  while (reads.length > 0) {
    const backup = await takeFirst();
    if (backup) yield backup;
  }
}

/** Of `<cadence>/<period>/<backup_id>/manifest.json`; what else is called manifest.json is not ours. */
function backupOfManifest(key: string): BackupIdParts | null {
  const [cadence, , backupId = '', ...rest] = key.split('/');
  if (rest.join('/') !== MANIFEST.slice(1)) return null;
  const named = parseBackupId(backupId);
  return named?.cadence === cadence ? named : null;
}

function startRead(store: Store, folder: string): Read['backup'] {
  const backup = readOne(store, folder);
  // It is awaited in its turn; until then, or when nobody asks on, a failure must not end the process.
  backup.catch(() => {});
  return backup;
}

async function readOne(store: Store, folder: string): Promise<FoundBackup | DamagedBackup | null> {
  try {
    const bytes = await store.getBytes(folder + MANIFEST, MAX_MANIFEST_BYTES);
    const manifest = await readManifest(bytes);
    refuseOtherBackup(manifest, folder);
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

/** A whole manifest in the wrong place is somebody's copy of it, and would count its backup twice. */
function refuseOtherBackup({ backup_id, cadence, period }: Manifest, folder: string): void {
  const own = `${cadence}/${period}/${backup_id}`;
  if (own === folder) return;
  throw ERRORS.MANIFEST_INVALID(`the manifest is of the backup in ${own}, not of the one in ${folder}`, {
    hint: 'Somebody put it there; move the backup back, or use another copy.',
  });
}
