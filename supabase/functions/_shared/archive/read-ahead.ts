/** Lets a source work up to `depth` items ahead of its consumer. Order is kept; leaving the loop early ends the source. */
export async function* readAhead<T>(source: AsyncIterable<T>, depth: number): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const queue: Promise<IteratorResult<T>>[] = [];
  const pull = () => {
    const next = iterator.next();
    next.catch(() => {}); // seen when its turn comes; until then it must not count as unhandled
    queue.push(next);
  };
  try {
    for (;;) {
      while (queue.length < depth) pull();
      const { value, done } = await queue.shift()!;
      if (done) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
