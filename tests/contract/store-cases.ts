/** What every store must do, as plain functions, so that node:test and a program on the edge runtime can run the same. */

import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import type { ObjectInfo, Store } from '../../supabase/functions/_shared/stores/store.ts';

export interface StoreCase {
  readonly name: string;
  run(store: Store): Promise<void>;
}

const MIB = 1024 * 1024;
const PART_BYTES = 8 * MIB;

const KEYS_IN_ANY_SCRIPT = [
  'manual/2026-01-14/manifest.json',
  'tables/public.b%C3%BCcher.copy.zst.pgp',
  'ünïcödé/größe.txt',
  '日本語/予約 一覧.json',
  'العربية/حجز',
  'emoji/🏨 room.txt',
  'quotes/it\'s "so" & <so>.xml',
  'plus+and space/100%/a=b?c#d;e,f@g:h!(i)*~[j]{k}|l\\m^n`',
  'dots/...hidden/.file',
  'percent/%2e%2e/%2F%00',
  'number/0123',
];

export const STORE_CASES: StoreCase[] = [
  {
    name: 'what is put is got back, with its size and hash',
    async run(store) {
      const bytes = randomBytes(100_000);
      const put = await store.put('round/trip', bytes, { contentType: 'text/plain' });
      assert.equal(put.key, 'round/trip');
      assert.equal(put.size, bytes.length);
      assert.equal(put.sha256, sha256(bytes));
      assert.ok(put.storeSha256 === undefined || put.storeSha256 === put.sha256);
      assert.ok(bytes.equals(await store.getBytes('round/trip')));
      assert.ok(bytes.equals(await collect(await store.get('round/trip'))));
      const info = await store.head('round/trip');
      assert.equal(info?.size, bytes.length);
      assert.ok(Math.abs((info?.lastModified?.getTime() ?? 0) - Date.now()) < 60_000);
    },
  },
  ...[0, 1, PART_BYTES, 2 * PART_BYTES - 1, 2 * PART_BYTES, 2 * PART_BYTES + 1, 3 * PART_BYTES, 30_000_000].map(
    (size) => ({
      name: `a writer stores ${size} bytes, written in uneven blocks`,
      async run(store: Store) {
        const bytes = pattern(size);
        const put = await writeUneven(store, `sizes/${size}`, bytes);
        assert.equal(put.size, size);
        assert.equal(put.sha256, sha256(bytes));
        assert.equal((await store.head(`sizes/${size}`))?.size, size);
        assert.equal(sha256(await store.getBytes(`sizes/${size}`)), put.sha256);
        await store.delete(`sizes/${size}`);
      },
    }),
  ),
  {
    name: 'put takes objects of any size',
    async run(store) {
      for (const size of [0, 17 * MIB]) {
        const bytes = pattern(size);
        const put = await store.put(`put/${size}`, bytes);
        assert.equal(put.sha256, sha256(bytes));
        assert.equal(sha256(await store.getBytes(`put/${size}`)), put.sha256);
        await store.delete(`put/${size}`);
      }
    },
  },
  {
    name: 'a writer lets its caller reuse the buffer at once',
    async run(store) {
      const writer = store.openWriter('reuse');
      const block = new Uint8Array(5 * MIB);
      const expected = createHash('sha256');
      for (let round = 1; round <= 7; round++) {
        block.fill(round);
        expected.update(block);
        await writer.write(block);
        block.fill(0);
      }
      const put = await writer.finish();
      assert.equal(put.sha256, expected.digest('hex'));
      assert.equal(sha256(await store.getBytes('reuse')), put.sha256);
      await store.delete('reuse');
    },
  },
  {
    name: 'an object is not visible before finish',
    async run(store) {
      const writer = store.openWriter('later/object');
      await writer.write(pattern(20 * MIB));
      assert.equal(await store.head('later/object'), null);
      assert.deepEqual(await keysOf(store, 'later/'), []);
      await writer.finish();
      assert.deepEqual(await keysOf(store, ''), ['later/object']);
      await store.delete('later/object');
    },
  },
  {
    name: 'abort leaves nothing behind, may be repeated, and ends the writer',
    async run(store) {
      for (const size of [0, 10, 20 * MIB, 40 * MIB]) {
        const writer = store.openWriter(`aborted/${size}`);
        await writer.write(pattern(size));
        await writer.abort();
        await writer.abort();
        await assert.rejects(writer.write(new Uint8Array(1)), { code: 'WRITER_CLOSED' });
        await assert.rejects(writer.finish(), { code: 'WRITER_CLOSED' });
      }
      assert.deepEqual(await keysOf(store, ''), []);
      assert.equal(await store.abortUploads(''), 0);
    },
  },
  {
    name: 'abort after finish keeps the object',
    async run(store) {
      const writer = store.openWriter('kept');
      await writer.write(pattern(100));
      await writer.finish();
      await writer.abort();
      assert.equal((await store.head('kept'))?.size, 100);
    },
  },
  {
    name: 'abortUploads ends the unfinished uploads below a prefix and no others',
    async run(store) {
      const writers = ['left/ä b', 'left/c', 'other/d'].map((key) => store.openWriter(key));
      for (const writer of writers) await writer.write(pattern(17 * MIB));
      assert.equal(await store.abortUploads('left/'), 2);
      assert.equal(await store.abortUploads('left/'), 0);
      await writers[2]?.finish();
      assert.deepEqual(await keysOf(store, ''), ['other/d']);
      for (const writer of writers.slice(0, 2)) {
        await assert.rejects(writer.finish(), { name: 'HoldfastError', code: /^STORE_/ });
        await writer.abort();
      }
      assert.deepEqual(await keysOf(store, ''), ['other/d']);
    },
  },
  {
    name: 'an object is overwritten whole',
    async run(store) {
      await store.put('twice', pattern(1000));
      await store.put('twice', new TextEncoder().encode('second'));
      assert.equal(new TextDecoder().decode(await store.getBytes('twice')), 'second');
      assert.equal((await store.head('twice'))?.size, 6);
    },
  },
  {
    name: 'keys in any script are kept exactly and listed in the order of their bytes',
    async run(store) {
      for (const key of KEYS_IN_ANY_SCRIPT) await store.put(key, new TextEncoder().encode(key));
      for (const key of KEYS_IN_ANY_SCRIPT) {
        assert.equal(new TextDecoder().decode(await store.getBytes(key)), key);
      }
      assert.deepEqual(await keysOf(store, ''), inByteOrder(KEYS_IN_ANY_SCRIPT));
      assert.deepEqual(await keysOf(store, 'emoji/🏨'), ['emoji/🏨 room.txt']);
      for (const key of KEYS_IN_ANY_SCRIPT) await store.delete(key);
      assert.deepEqual(await keysOf(store, ''), []);
    },
  },
  {
    name: 'list order is that of UTF-8 bytes where it differs from JavaScript and from folders',
    async run(store) {
      const keys = ['a/b', 'a-b', 'a.b', 'a/b-c', 'a', '\u{ff5e}', '\u{1f3e8}', 'Z', 'é', 'a0'].filter(
        (key) => key !== 'a',
      );
      for (const key of keys) await store.put(key, new Uint8Array(0));
      assert.deepEqual(await keysOf(store, ''), inByteOrder(keys));
      assert.deepEqual(await keysOf(store, 'a'), inByteOrder(keys.filter((key) => key.startsWith('a'))));
      assert.deepEqual(await keysOf(store, 'a/b'), ['a/b', 'a/b-c']);
      assert.deepEqual(await keysOf(store, 'nothing/here'), []);
    },
  },
  {
    name: 'a key of 1,024 bytes is kept, and one of 1,025 refused',
    async run(store) {
      const key = `${'ä'.repeat(100)}/`.repeat(5) + 'k'.repeat(1024 - 5 * 201);
      assert.equal(new TextEncoder().encode(key).length, 1024);
      await store.put(key, pattern(3));
      assert.equal((await store.head(key))?.size, 3);
      assert.deepEqual(await keysOf(store, 'ä'), [key]);
      await assert.rejects(store.put(`${key}k`, pattern(3)), { code: 'OBJECT_KEY_INVALID' });
    },
  },
  {
    name: 'keys that would leave the store or mean another object are refused everywhere',
    async run(store) {
      for (const key of ['', '/a', 'a/', 'a//b', '.', '..', '../a', 'a/../b', 'a/./b', 'a\0b', '\ud800', 'a/..']) {
        await assert.rejects(async () => await store.put(key, pattern(1)), { code: 'OBJECT_KEY_INVALID' });
        await assert.rejects(async () => await store.get(key), { code: 'OBJECT_KEY_INVALID' });
        await assert.rejects(async () => await store.getBytes(key), { code: 'OBJECT_KEY_INVALID' });
        await assert.rejects(async () => await store.head(key), { code: 'OBJECT_KEY_INVALID' });
        await assert.rejects(async () => await store.delete(key), { code: 'OBJECT_KEY_INVALID' });
        assert.throws(() => store.openWriter(key), { code: 'OBJECT_KEY_INVALID' });
      }
    },
  },
  {
    name: 'list pages through more than 1,000 objects, each once',
    async run(store) {
      const keys = Array.from({ length: 1_101 }, (_, at) => `many/ö ${String(at).padStart(5, '0')}+'&.txt`);
      await inBatches(keys, (key) => store.put(key, new Uint8Array(0)).then(() => undefined));
      await store.put('maoy', new Uint8Array(0));
      assert.deepEqual(await keysOf(store, 'many/'), keys);
      await inBatches(keys, (key) => store.delete(key));
      assert.deepEqual(await keysOf(store, ''), ['maoy']);
    },
  },
  {
    name: 'a range reads from its start up to its end, and no further than the object',
    async run(store) {
      const bytes = pattern(100_000);
      await store.put('ranges', bytes);
      for (const [start, end] of [
        [0, 1],
        [0, 100_000],
        [99_999, 100_000],
        [500, 70_000],
        [99_000, 200_000],
        [7, 7],
      ]) {
        const part = await collect(await store.get('ranges', { start: start as number, end: end as number }));
        assert.deepEqual(part, Buffer.from(bytes.slice(start, end)), `${start} to ${end}`);
      }
      assert.equal((await collect(await store.get('ranges', { start: 100_000, end: 100_001 }))).length, 0);
      await assert.rejects(store.get('no/such', { start: 0, end: 1 }), { code: 'OBJECT_MISSING' });
    },
  },
  {
    name: 'a stream may be left before its end',
    async run(store) {
      await store.put('left-early', pattern(4 * MIB));
      const reader = (await store.get('left-early')).getReader();
      await reader.read();
      await reader.cancel();
      assert.equal((await store.getBytes('left-early')).length, 4 * MIB);
    },
  },
  {
    name: 'a missing object is null to head and OBJECT_MISSING to get',
    async run(store) {
      assert.equal(await store.head('no/such/object'), null);
      await assert.rejects(store.get('no/such/object'), { code: 'OBJECT_MISSING', kind: 'permanent' });
      await assert.rejects(store.getBytes('no/such/object'), { code: 'OBJECT_MISSING' });
      await store.put('folder/file', pattern(1));
      assert.equal(await store.head('folder'), null);
      await assert.rejects(store.getBytes('folder'), { code: 'OBJECT_MISSING' });
      await store.delete('folder');
      assert.deepEqual(await keysOf(store, ''), ['folder/file']);
    },
  },
  {
    name: 'delete is idempotent',
    async run(store) {
      await store.put('gone/soon', pattern(1));
      await store.delete('gone/soon');
      await store.delete('gone/soon');
      await store.delete('never/was');
      assert.equal(await store.head('gone/soon'), null);
      await store.put('gone/soon', pattern(2));
      assert.equal((await store.head('gone/soon'))?.size, 2);
    },
  },
  {
    name: 'getBytes refuses an object larger than its limit, and takes one that just fits',
    async run(store) {
      await store.put('limit', pattern(1000));
      assert.equal((await store.getBytes('limit', 1000)).length, 1000);
      await assert.rejects(store.getBytes('limit', 999), { code: 'OBJECT_TOO_LARGE' });
    },
  },
  {
    name: 'an aborted signal stops a put and a writer',
    async run(store) {
      const signal = AbortSignal.abort(new Error('enough'));
      await assert.rejects(store.put('stopped', pattern(10), { signal }), { message: 'enough' });
      const writer = store.openWriter('stopped', { signal });
      await assert.rejects(writer.write(pattern(10)), { message: 'enough' });
      await writer.abort();
      assert.equal(await store.head('stopped'), null);
    },
  },
  {
    name: 'objects are written and deleted side by side in one folder',
    async run(store) {
      const keys = Array.from({ length: 40 }, (_, at) => `busy/deep/er/${at}`);
      await inBatches(keys, async (key) => {
        await store.put(key, pattern(10));
        await store.delete(key);
      });
      assert.deepEqual(await keysOf(store, ''), []);
      assert.equal(await store.abortUploads(''), 0);
    },
  },
  {
    name: 'check proves the store and leaves nothing behind',
    async run(store) {
      const check = await store.check();
      assert.equal(check.anonymousRead, false);
      assert.ok(check.clockSkewMs === null || Math.abs(check.clockSkewMs) < 10_000);
      assert.deepEqual(await keysOf(store, ''), []);
    },
  },
];

export async function keysOf(store: Store, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const info of store.list(prefix) as AsyncIterable<ObjectInfo>) keys.push(info.key);
  return keys;
}

/** Bytes in which every position differs from its neighbours in any part. */
export function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0, seed = size + 1; at < size; at++) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = seed >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const blocks: Uint8Array[] = [];
  for await (const block of stream) blocks.push(block);
  return Buffer.concat(blocks);
}

async function writeUneven(store: Store, key: string, bytes: Uint8Array) {
  const writer = store.openWriter(key);
  const sizes = [1, 70_001, 3 * MIB + 5, 262_144];
  for (let at = 0, round = 0; at < bytes.length; round++) {
    const size = sizes[round % sizes.length] as number;
    await writer.write(bytes.subarray(at, at + size));
    at += size;
  }
  return await writer.finish();
}

function inByteOrder(keys: readonly string[]): string[] {
  return [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function inBatches(keys: readonly string[], work: (key: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < keys.length; at += 20) await Promise.all(keys.slice(at, at + 20).map(work));
}
