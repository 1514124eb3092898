import { setMaxListeners } from 'node:events';

/**
 * The blocks of `source` until the signal aborts, which throws its reason at once, also while the source waits for a store
 * that does not answer. The source is told to end, but after an abort nobody waits for that.
 */
export async function* untilAborted(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (!signal) return yield* source;
  signal.throwIfAborted();
  // Each of many streams that are read at the same time listens; Node warns of more than ten.
  setMaxListeners(0, signal);
  let abandon: (reason: unknown) => void = () => {};
  const onAbort = () => abandon(signal.reason);
  signal.addEventListener('abort', onAbort);
  const iterator = source[Symbol.asyncIterator]();
  let hasEnded = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      // A promise for each block: one that lasts would keep every block that it was raced with.
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        abandon = reject;
        iterator.next().then(resolve, (error) => {
          hasEnded = true;
          reject(error);
        });
      });
      hasEnded = next.done === true;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    const ending = hasEnded ? undefined : iterator.return?.();
    if (signal.aborted) ending?.catch(() => undefined);
    else await ending;
  }
}
