/** What tests need that meet an export in the middle: the export in this process, and a store that tells where it is. */
import { plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import type { BackupMeans } from '../../../supabase/functions/_shared/backup/backup-settings.ts';
import type { ExportJob } from '../../../supabase/functions/_shared/backup/export/export-job.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';

/** Unencrypted and unsigned. */
export function plainMeans(databaseUrl: string, store: Store): BackupMeans {
  return { platform: nodePlatform, databaseUrl, store, cipher: plainCipher(), signing: null, codecFor: createCodec };
}

/** Everything, into one folder of `manual`. */
export const FULL_EXPORT: ExportJob = {
  request: { scope: 'full', cadence: 'manual', format: 'copy', codec: 'zstd' },
  format: 'copy',
  jobs: 1,
  verify: 'quick',
};

/** A store that does `work` once after the object whose key ends like this was stored by a writer. */
export function afterObject(store: Store, ending: RegExp, work: () => Promise<unknown>): Store {
  return {
    ...store,
    openWriter(key, options) {
      const writer = store.openWriter(key, options);
      if (!ending.test(key)) return writer;
      return {
        write: (bytes) => writer.write(bytes),
        abort: () => writer.abort(),
        async finish() {
          const result = await writer.finish();
          await work();
          return result;
        },
      };
    },
  };
}

/** Keys of a store, in its order. */
export async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys;
}
