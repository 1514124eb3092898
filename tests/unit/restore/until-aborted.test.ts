/** A source that never answers holds nobody who was told to stop. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilAborted } from '../../../supabase/functions/_shared/restore/until-aborted.ts';

const block = (byte: number) => Uint8Array.of(byte);

async function read(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<number[]> {
  const bytes: number[] = [];
  for await (const [byte] of untilAborted(source, signal)) bytes.push(byte!);
  return bytes;
}

test('without an abort it is the source, with a signal and without one', async () => {
  async function* three() {
    for (const byte of [1, 2, 3]) yield block(byte);
  }
  assert.deepEqual(await read(three()), [1, 2, 3]);
  assert.deepEqual(await read(three(), new AbortController().signal), [1, 2, 3]);
});

test('an abort ends it at once though the source never answers, and tells the source', async () => {
  const stop = new AbortController();
  const reason = new Error('interrupted');
  let told = false;
  const silent: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        told = true;
        return new Promise(() => {});
      },
    }),
  };
  const reading = read(silent, stop.signal);
  stop.abort(reason);
  await assert.rejects(reading, (error) => error === reason);
  assert.ok(told);
});

test('a signal that is aborted already reads nothing', async () => {
  let asked = 0;
  async function* counting() {
    asked += 1;
    yield block(1);
  }
  await assert.rejects(read(counting(), AbortSignal.abort(new Error('before'))), /before/);
  assert.equal(asked, 0);
});

test('a reader that stops waits until the source has ended, and its error is its own', async () => {
  let ended = false;
  async function* held() {
    try {
      for (;;) yield block(1);
    } finally {
      await new Promise((resolve) => setImmediate(resolve));
      ended = true;
    }
  }
  for await (const _ of untilAborted(held(), new AbortController().signal)) break;
  assert.ok(ended);
  async function* broken() {
    yield block(1);
    throw new Error('the store went away');
  }
  await assert.rejects(read(broken(), new AbortController().signal), /the store went away/);
});

test('no listener stays on the signal, however many blocks there were', async () => {
  const stop = new AbortController();
  let listeners = 0;
  const signal = stop.signal;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  async function* many() {
    for (let n = 0; n < 1000; n++) yield block(n % 256);
  }
  assert.equal((await read(many(), signal)).length, 1000);
  assert.equal(listeners, 0);
});
