/**
 * The first object of an export and, before it is sealed, the first to go. Without it a process killed early would
 * leave nothing but parts of uploads, which no listing shows.
 */
import type { Store } from '../../stores/store.ts';

const MARK = 'UNFINISHED.txt';
const TEXT =
  'An export is being written here, or was killed while it was. Without manifest.json this folder is no backup.\n';

export async function setUnfinishedMark(store: Store, folder: string): Promise<void> {
  await store.put(`${folder}/${MARK}`, new TextEncoder().encode(TEXT), { contentType: 'text/plain; charset=utf-8' });
}

export async function removeUnfinishedMark(store: Store, folder: string): Promise<void> {
  await store.delete(`${folder}/${MARK}`);
}
