import { setMaxListeners } from 'node:events';
import { orAbort } from '../or-abort.ts';

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
  const iterator = source[Symbol.asyncIterator]();
  // A source that failed or came to its end has ended; one that is given up has not.
  let hasEnded = false;
  try {
    for (;;) {
      signal.throwIfAborted();
      hasEnded = true;
      const next = await orAbort(iterator.next(), signal);
      if (next.done) return;
      hasEnded = false;
      yield next.value;
    }
  } finally {
    const ending = hasEnded && !signal.aborted ? undefined : iterator.return?.();
    if (signal.aborted) ending?.catch(() => undefined);
    else await ending;
  }
}
