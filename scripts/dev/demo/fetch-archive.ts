import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Downloads every object of a backup through its presigned URLs, as somebody without the bucket's keys would. */
export async function fetchArchive(files: { path: string; url: string }[], directory: string): Promise<void> {
  for (const { path, url } of files) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, new Uint8Array(await response.arrayBuffer()));
  }
}
