import type { PutResult, Store } from '../stores/store.ts';
import type { Cipher } from './contracts.ts';

/** Encrypts what comes and stores it under `key`. On any failure nothing is left in the store. */
export async function storeFrames(
  frames: AsyncIterable<Uint8Array>,
  to: { readonly cipher: Cipher; readonly store: Store; readonly key: string; readonly signal?: AbortSignal },
): Promise<PutResult> {
  const writer = to.store.openWriter(to.key, { signal: to.signal });
  const input = watch(frames);
  try {
    for await (const bytes of to.cipher.encrypt(input.frames)) await writer.write(bytes);
    return await writer.finish();
  } catch (error) {
    // The first error is the one to report; what abort() could not remove, the cleaning of the run removes.
    await writer.abort().catch(() => {});
    throw input.failure() ?? error;
  } finally {
    await input.end();
  }
}

/** The cipher wraps the errors of its source, and the caller must see them as they were thrown. */
function watch(frames: AsyncIterable<Uint8Array>) {
  const iterator = frames[Symbol.asyncIterator]();
  let failure: unknown;
  const watched: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => watched,
    async next() {
      try {
        return await iterator.next();
      } catch (error) {
        failure ??= error;
        throw error;
      }
    },
  };
  return { frames: watched, failure: () => failure, end: async () => void (await iterator.return?.()) };
}
