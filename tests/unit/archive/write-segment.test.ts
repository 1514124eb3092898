import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { createCipher, plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import { concatBytes } from '../../../supabase/functions/_shared/archive/concat-bytes.ts';
import { writeEnvelope } from '../../../supabase/functions/_shared/archive/envelope.ts';
import { verifyObject } from '../../../supabase/functions/_shared/archive/verify-object.ts';
import { type SegmentInput, writeSegment } from '../../../supabase/functions/_shared/archive/write-segment.ts';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { createKeyring, ECC } from './keyring.ts';

const keyring = createKeyring();
after(() => keyring.close());
const cipher = await createCipher(keyring.exportPublic(keyring.generate([...ECC, 'Name-Real: Segments'])));

const encode = (text: string) => new TextEncoder().encode(text);
const unzstd = (input: Uint8Array) => execFileSync('zstd', ['-dcq'], { input, maxBuffer: 1 << 30 });
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function* rows(...texts: string[]) {
  for (const text of texts) yield { bytes: encode(text), rows: text.split('\n').length - 1 };
}

/** A source that says whether it was ended, and may fail after some blocks. */
function watchedSource(blocks: number, failure?: Error) {
  const state = { given: 0, ended: false };
  async function* source() {
    try {
      for (; state.given < blocks; state.given += 1)
        yield { bytes: new Uint8Array(1 << 20).fill(state.given), rows: 1 };
      if (failure) throw failure;
    } finally {
      state.ended = true;
    }
  }
  return { state, source: source() };
}

const input = (store: Store, source: SegmentInput['source']): SegmentInput => ({
  source,
  codec: createCodec('zstd'),
  cipher: plainCipher(),
  store,
  keyPrefix: 'manual/2026-01-14-02-00/b',
  path: 'tables/public.t.copy.zst',
});
const KEY = 'manual/2026-01-14-02-00/b/tables/public.t.copy.zst';

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const object of store.list('')) keys.push(object.key);
  return keys;
}

test('what is stored is head, rows and foot, and what is said of it is true', async () => {
  const store = createMemoryStore();
  const stored = await writeSegment({
    ...input(store, rows('1\ta\n2\tb\n', '3\tc\n')),
    head: encode('id\tname\n'),
    foot: encode('end\n'),
  });
  const bytes = await store.getBytes(KEY);
  assert.equal(unzstd(bytes).toString(), 'id\tname\n1\ta\n2\tb\n3\tc\nend\n');
  assert.equal(stored.size, bytes.length);
  assert.equal(stored.sha256, sha256(bytes));
  assert.deepEqual([stored.rows, stored.rawBytes, stored.kind], [3, 8 + 8 + 4 + 4, 'segment']);
});

test('a table without rows is a stream that zstd and gunzip accept', async () => {
  for (const [name, tool, ...args] of [
    ['zstd', 'zstd', '-tq'],
    ['gzip', 'gzip', '-t'],
  ] as const) {
    const store = createMemoryStore();
    const stored = await writeSegment({ ...input(store, rows()), codec: createCodec(name) });
    execFileSync(tool, args, { input: await store.getBytes(KEY) });
    assert.deepEqual([stored.rows, stored.rawBytes], [0, 0]);
  }
  const store = createMemoryStore();
  assert.equal((await writeSegment({ ...input(store, rows()), codec: createCodec('none') })).size, 0);
});

test('an encrypted segment of many blocks comes back through gpg and zstd', async () => {
  const store = createMemoryStore();
  const { source, state } = watchedSource(24);
  const stored = await writeSegment({ ...input(store, source), cipher });
  const raw = unzstd(keyring.gpg(['--decrypt'], await store.getBytes(KEY)));
  const expected = concatBytes(Array.from({ length: 24 }, (_, at) => new Uint8Array(1 << 20).fill(at)));
  assert.equal(sha256(raw), sha256(expected));
  assert.deepEqual([stored.rows, stored.rawBytes, state.ended], [24, 24 << 20, true]);
});

for (const encrypted of [false, true]) {
  const how = encrypted ? 'encrypted' : 'plain';
  test(`when the source fails, its own error comes out and nothing is left (${how})`, async () => {
    const store = createMemoryStore();
    const failure = ERRORS.SLICE_TOO_LARGE('the slice has more than 1 bytes');
    const { source, state } = watchedSource(5, failure);
    const writing = writeSegment({ ...input(store, source), ...(encrypted ? { cipher } : {}) });
    await assert.rejects(writing, (error) => error === failure);
    assert.deepEqual(await keysOf(store), []);
    assert.equal(state.ended, true);
    const again = writeEnvelope({
      ...input(store, watchedSource(2, failure).source),
      ...(encrypted ? { cipher } : {}),
      envelope: { exportDate: '2026-01-14T02:00:00Z', tableName: 't' },
    });
    await assert.rejects(again, (error) => error === failure);
    assert.deepEqual(await keysOf(store), []);
  });

  test(`when the store fails, the source is ended, also in the middle of a large table (${how})`, async () => {
    const failure = ERRORS.STORE_FULL('the bucket is full');
    const calls: string[] = [];
    const store: Store = {
      ...createMemoryStore(),
      openWriter: () => ({
        write: async () => {
          calls.push('write');
          if (calls.length > 2) throw failure;
        },
        finish: async () => assert.fail('an upload that failed was finished'),
        abort: async () => void calls.push('abort'),
      }),
    };
    const { source, state } = watchedSource(400);
    const codec = createCodec('none');
    const writing = writeSegment({ ...input(store, source), codec, ...(encrypted ? { cipher } : {}) });
    await assert.rejects(writing, (error) => error === failure);
    assert.equal(calls.at(-1), 'abort');
    assert.equal(state.ended, true);
    assert.ok(state.given < 40, `${state.given} blocks were read although nobody took them`);
  });
}

test('a failing finish() aborts the upload', async () => {
  let aborted = 0;
  const failure = ERRORS.STORE_FAILED('no');
  const finish = async () => {
    throw failure;
  };
  const store: Store = {
    ...createMemoryStore(),
    openWriter: () => ({
      write: async () => {},
      finish,
      abort: async () => {
        aborted += 1;
      },
    }),
  };
  await assert.rejects(writeSegment(input(store, rows('1\n'))), (error) => error === failure);
  assert.equal(aborted, 1);
});

test('a compressor that fails does so once, without leaving promises behind', async () => {
  const store = createMemoryStore();
  const failure = new Error('out of memory');
  const pool = {
    size: 4,
    zstd: async (): Promise<Uint8Array> => {
      throw failure;
    },
    close: async () => {},
  };
  const { source, state } = watchedSource(50);
  const writing = writeSegment({ ...input(store, source), codec: createCodec('zstd', { pool }) });
  await assert.rejects(writing, (error) => error === failure);
  assert.deepEqual([await keysOf(store), state.ended], [[], true]);
});

const envelope = { exportDate: '2026-01-14T02:00:00Z', tableName: 'bookings' };

test('a JSON export has the envelope of the plans, read by jq, and a checksum of its array', async () => {
  const store = createMemoryStore();
  const source = rows('{"id": 1, "n": "ü"}\n'.trim(), ',\n{"id": 2, "n": "\\\\."}');
  const stored = await writeEnvelope({ ...input(store, source), envelope: { ...envelope, part: '0001' } });
  const text = unzstd(await store.getBytes(KEY)).toString();
  const jq = (filter: string) => execFileSync('jq', ['-c', filter], { input: text }).toString().trim();
  assert.equal(jq('.data'), '[{"id":1,"n":"ü"},{"id":2,"n":"\\\\."}]');
  assert.equal(jq('.metadata | keys'), '["checksum","export_date","part","row_count","schema_version","table_name"]');
  assert.equal(
    jq('[.metadata.table_name, .metadata.export_date, .metadata.part]'),
    '["bookings","2026-01-14T02:00:00Z","0001"]',
  );
  const array = text.slice(text.indexOf('"data": ') + 8, text.lastIndexOf('}'));
  assert.equal(jq('.metadata.checksum'), `"sha256:${sha256(encode(array))}"`);
  assert.equal(stored.rawBytes, encode(text).length);
  assert.equal(jq('.metadata.row_count'), String(stored.rows));
});

test('a JSON export without rows is an empty array, and one that is encrypted is read by gpg', async () => {
  const store = createMemoryStore();
  await writeEnvelope({ ...input(store, rows()), cipher, envelope });
  const text = unzstd(keyring.gpg(['--decrypt'], await store.getBytes(KEY)));
  assert.deepEqual(JSON.parse(text.toString()).data, []);
  assert.equal(JSON.parse(text.toString()).metadata.row_count, 0);
});

test('an object is verified by its bytes: missing, cut off, changed', async () => {
  const store = createMemoryStore();
  const stored = await writeSegment(input(store, rows('1\n2\n')));
  const expected = { key: KEY, size: stored.size, sha256: stored.sha256 };
  assert.equal(await verifyObject(store, expected), null);
  const bytes = await store.getBytes(KEY);
  await store.put(KEY, bytes.slice(0, -1));
  assert.deepEqual(await verifyObject(store, expected), {
    what: 'size',
    expected: bytes.length,
    found: bytes.length - 1,
  });
  const changed = bytes.slice();
  changed[3]! ^= 1;
  await store.put(KEY, changed);
  assert.equal((await verifyObject(store, expected))?.what, 'sha256');
  await store.delete(KEY);
  assert.equal((await verifyObject(store, expected))?.what, 'missing');
  const away = {
    ...store,
    get: async () => {
      throw ERRORS.STORE_UNREACHABLE('no route');
    },
  };
  await assert.rejects(verifyObject(away, expected), { code: 'STORE_UNREACHABLE' });
});
