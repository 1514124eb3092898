import { concatBytes } from './concat-bytes.ts';

/** Joins small pieces into blocks of at least `minBytes`; the last may be smaller. Larger pieces pass as they are. */
export async function* inBlocks(source: AsyncIterable<Uint8Array>, minBytes: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of source) {
    if (bytes.length === 0) continue;
    parts.push(bytes);
    size += bytes.length;
    if (size < minBytes) continue;
    yield concatBytes(parts);
    parts = [];
    size = 0;
  }
  if (size > 0) yield concatBytes(parts);
}
