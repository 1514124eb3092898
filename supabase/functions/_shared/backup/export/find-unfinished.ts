/**
 * A run that was killed leaves a folder without a manifest: no backup, and nobody's but the next export's business.
 * One that is still being written looks the same, so only its age tells.
 */
import { parseBackupId } from '../../domain/backup-id.ts';
import { CADENCES } from '../../domain/cadence.ts';
import type { ObjectInfo, Store } from '../../stores/store.ts';

export interface UnfinishedFolder {
  readonly folder: string;
  readonly objects: number;
  readonly bytes: number;
  /** When the youngest object was stored; null where the store does not say. */
  readonly lastModified: Date | null;
}

/**
 * Folders of this store in which there is no manifest, in key order. Objects that are not ours are passed over, and looked
 * for as little as can be: beside our folders may stand some that we may not read. Throws STORE_*, and the signal's reason.
 */
export async function findUnfinished(store: Store, signal?: AbortSignal): Promise<UnfinishedFolder[]> {
  const open = new Map<string, UnfinishedFolder>();
  const sealed = new Set<string>();
  for await (const object of listOurs(store)) {
    signal?.throwIfAborted();
    const [folder, path] = splitKey(object.key);
    if (folder === null || sealed.has(folder)) continue;
    if (path === 'manifest.json') {
      sealed.add(folder);
      open.delete(folder);
    } else {
      open.set(folder, withObject(open.get(folder) ?? { folder, objects: 0, bytes: 0, lastModified: null }, object));
    }
  }
  return [...open.values()];
}

async function* listOurs(store: Store): AsyncGenerator<ObjectInfo> {
  for (const cadence of [...CADENCES].sort()) yield* store.list(`${cadence}/`);
}

/** Old enough that no export can still be writing it. */
export function isAbandoned(folder: UnfinishedFolder, now: Date, minimumAgeMs: number): boolean {
  return folder.lastModified !== null && now.getTime() - folder.lastModified.getTime() >= minimumAgeMs;
}

/** `<cadence>/<period>/<backup_id>` and the rest; null for the folder when the object is not part of a backup. */
function splitKey(key: string): [string | null, string] {
  const [cadence = '', period = '', backupId = '', ...rest] = key.split('/');
  const ours = rest.length > 0 && parseBackupId(backupId)?.cadence === cadence;
  return [ours ? `${cadence}/${period}/${backupId}` : null, rest.join('/')];
}

function withObject(found: UnfinishedFolder, { size, lastModified }: ObjectInfo): UnfinishedFolder {
  const younger = lastModified && (!found.lastModified || lastModified > found.lastModified);
  return {
    folder: found.folder,
    objects: found.objects + 1,
    bytes: found.bytes + size,
    lastModified: younger ? lastModified : found.lastModified,
  };
}
