import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import type { CodecName } from '../../../supabase/functions/_shared/archive/contracts.ts';
import type { Decipher } from '../../../supabase/functions/_shared/archive/decipher.ts';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { ERRORS, HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { objectReader } from '../../../supabase/functions/_shared/restore/read-objects.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';

const PATH = 'tables/public.bookings.copy';
const CODECS: CodecName[] = ['zstd', 'gzip', 'none'];
const plain = randomBytes(700_000);

async function stored(codec: CodecName): Promise<Uint8Array> {
  // A copy that is no Buffer: slice() of one shares its memory.
  return Uint8Array.from(codec === 'none' ? plain : await createCodec(codec).compress(Uint8Array.from(plain)));
}

function manifestOf(codec: CodecName, bytes: Uint8Array, encrypted = false): Manifest {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const object = { path: PATH, kind: 'segment', size: bytes.length, sha256, raw_bytes: plain.length };
  return { codec, encryption: encrypted ? {} : null, objects: [object] } as unknown as Manifest;
}

async function storeOf(bytes: Uint8Array): Promise<Store> {
  const store = createMemoryStore();
  await store.put(`b/${PATH}`, bytes);
  return store;
}

/** A store whose objects come in pieces, after which `end` happens. */
function inPieces(bytes: Uint8Array, end: (controller: ReadableStreamDefaultController) => void): Store {
  const get = async () =>
    new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 50_000) controller.enqueue(bytes.slice(at, at + 50_000));
      },
      pull: end,
    });
  return { ...createMemoryStore(), get };
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const bytes of source) parts.push(bytes.slice());
  return Buffer.concat(parts);
}

test('an object is given as it is stored, and decompressed', async () => {
  for (const codec of CODECS) {
    const bytes = await stored(codec);
    const input = { store: await storeOf(bytes), folder: 'b', decipher: null };
    const reader = objectReader(input, manifestOf(codec, bytes));
    assert.ok((await collect(reader.readStored(PATH))).equals(bytes));
    assert.ok((await collect(reader.read(PATH))).equals(plain), codec);
  }
});

test('what the store throws in the middle of an object reaches the caller as it is', async () => {
  for (const codec of CODECS) {
    const bytes = await stored(codec);
    const reason = ERRORS.STORE_FAILED('the store does not answer');
    const store = inPieces(bytes.subarray(0, -10), (controller) => controller.error(reason));
    const reader = objectReader({ store, folder: 'b', decipher: null }, manifestOf(codec, bytes));
    await assert.rejects(collect(reader.read(PATH)), (error) => error === reason, codec);
    await assert.rejects(collect(reader.readStored(PATH)), (error) => error === reason, codec);
  }
});

test('damaged bytes are damage of the object, whatever the codec makes of them first', async () => {
  for (const codec of CODECS) {
    const bytes = await stored(codec);
    for (const at of [0, 5, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const damaged = bytes.slice();
      damaged[at]! ^= 0xff;
      const input = { store: await storeOf(damaged), folder: 'b', decipher: null };
      const reader = objectReader(input, manifestOf(codec, bytes));
      await assert.rejects(collect(reader.read(PATH)), (error: HoldfastError) => {
        assert.equal(error.code, 'ARCHIVE_DAMAGED');
        assert.equal(error.details.object, PATH);
        assert.match(error.message, /SHA-256/, `${codec}, byte ${at}`);
        return true;
      });
    }
  }
});

test('whole bytes that do not decrypt or decompress are told with the object, the code and the hint kept', async () => {
  const bytes = await stored('zstd');
  const decipher: Decipher = {
    // biome-ignore lint/correctness/useYield: it only throws
    async *decrypt() {
      throw ERRORS.DECRYPTION_FAILED('the message does not decrypt', { hint: 'Ask for the key.' });
    },
  };
  const encrypted = { store: await storeOf(bytes), folder: 'b', decipher };
  const expected = { code: 'DECRYPTION_FAILED', message: `object '${PATH}': the message does not decrypt` };
  const work = collect(objectReader(encrypted, manifestOf('zstd', bytes, true)).read(PATH));
  await assert.rejects(work, { ...expected, hint: 'Ask for the key.' });
  const notZstd = { store: await storeOf(plain), folder: 'b', decipher: null };
  await assert.rejects(collect(objectReader(notZstd, manifestOf('zstd', plain)).read(PATH)), (error: HoldfastError) => {
    assert.ok(error instanceof HoldfastError);
    assert.equal(error.code, 'ARCHIVE_DAMAGED');
    assert.ok(error.message.startsWith(`object '${PATH}': `), error.message);
    return true;
  });
});

test('leaving early lets the store go', async () => {
  for (const codec of CODECS) {
    const bytes = await stored(codec);
    let cancelled = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes),
      cancel: () => {
        cancelled = true;
      },
    });
    const store = { ...createMemoryStore(), get: async () => stream };
    const twice = { ...manifestOf(codec, bytes).objects[0]!, size: bytes.length * 3 };
    const manifest = { ...manifestOf(codec, bytes), objects: [twice] };
    for await (const _ of objectReader({ store, folder: 'b', decipher: null }, manifest).read(PATH)) break;
    assert.equal(cancelled, true, codec);
  }
});

test('an object that the manifest does not list is refused', async () => {
  const bytes = await stored('none');
  const reader = objectReader({ store: await storeOf(bytes), folder: 'b', decipher: null }, manifestOf('none', bytes));
  await assert.rejects(collect(reader.read('tables/other')), { code: 'MANIFEST_INVALID', message: /'tables\/other'/ });
});
