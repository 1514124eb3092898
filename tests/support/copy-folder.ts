import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import type { Store } from '../../supabase/functions/_shared/stores/store.ts';

/** Downloads a backup's folder, as `aws s3 sync` would. */
export async function copyFolder(store: Store, folder: string, directory: string): Promise<void> {
  for await (const { key } of store.list(`${folder}/`)) {
    const target = join(directory, key.slice(folder.length + 1));
    await mkdir(dirname(target), { recursive: true });
    await pipeline(Readable.fromWeb((await store.get(key)) as unknown as NodeStream), createWriteStream(target));
  }
}
