import type { Store } from '../../stores/store.ts';

const DELETES_AT_ONCE = 8;

/** Deletes everything below a backup's folder, the manifest first, so that no half of it looks like a backup. */
export async function removeFolder(store: Store, folder: string): Promise<{ deleted: number; aborted: number }> {
  await store.delete(`${folder}/manifest.json`);
  const aborted = await store.abortUploads(`${folder}/`);
  const keys: string[] = [];
  for await (const object of store.list(`${folder}/`)) keys.push(object.key);
  const waiting = keys.values();
  const deleteSome = async () => {
    for (const key of waiting) await store.delete(key);
  };
  await Promise.all(Array.from({ length: DELETES_AT_ONCE }, deleteSome));
  return { deleted: keys.length, aborted };
}
