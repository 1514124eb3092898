import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createCodec, MAX_FRAME_BYTES } from '../../../supabase/functions/_shared/archive/codec.ts';
import { compressBlocks } from '../../../supabase/functions/_shared/archive/compress-blocks.ts';
import { concatBytes } from '../../../supabase/functions/_shared/archive/concat-bytes.ts';
import { decompress } from '../../../supabase/functions/_shared/archive/decompress.ts';
import { loadZstd } from '../../../supabase/functions/_shared/archive/zstd.ts';
import { findFrame } from '../../../supabase/functions/_shared/archive/zstd-frames.ts';
import type { CodecName } from '../../../supabase/functions/_shared/domain/formats.ts';
import { ZSTD_WASM_BASE64 } from '../../../supabase/functions/_shared/vendor/zstd/zstd-wasm.ts';

const TOOLS = { zstd: ['zstd', '-dcq'], gzip: ['gzip', '-dc'] } as const;

async function* each(blocks: readonly Uint8Array[]) {
  yield* blocks;
}

/** Cuts bytes into pieces of a few sizes, as a network does. */
async function* inPieces(bytes: Uint8Array, sizes: readonly number[]) {
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(start, start + size);
    start += size;
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [new Uint8Array(0)];
  for await (const bytes of source) parts.push(bytes.slice());
  return concatBytes(parts);
}

const compressAll = (codec: CodecName, blocks: Uint8Array[]) =>
  collect(compressBlocks(each(blocks.map((block) => block.slice())), createCodec(codec)));

const blocksOfAnything = fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 6 });

for (const codec of ['zstd', 'gzip'] as const) {
  test(`${codec} frames of any blocks are one stream that the ${codec} program reads`, async () => {
    await fc.assert(
      fc.asyncProperty(blocksOfAnything, async (blocks) => {
        const [tool, ...args] = TOOLS[codec];
        const out = execFileSync(tool, args, { input: await compressAll(codec, blocks) });
        assert.deepEqual(new Uint8Array(out), concatBytes([new Uint8Array(0), ...blocks]));
      }),
      { numRuns: 15 },
    );
  });

  test(`${codec} decompresses what it compressed, however the stream is cut`, async () => {
    await fc.assert(
      fc.asyncProperty(
        blocksOfAnything,
        fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1 }),
        async (blocks, sizes) => {
          const stored = await compressAll(codec, blocks);
          const raw = await collect(decompress(codec, inPieces(stored, sizes)));
          assert.deepEqual(raw, concatBytes([new Uint8Array(0), ...blocks]));
        },
      ),
      { numRuns: 60 },
    );
  });

  test(`${codec} refuses a stream that is cut off at any byte, or empty`, async () => {
    const stored = await compressAll(codec, [new TextEncoder().encode('some rows\n'.repeat(50))]);
    for (let length = 0; length < stored.length; length += 1) {
      await assert.rejects(collect(decompress(codec, inPieces(stored.subarray(0, length), [7]))), {
        code: 'ARCHIVE_DAMAGED',
      });
    }
  });

  test(`${codec} refuses bytes that are not of its kind`, async () => {
    const wrong = new TextEncoder().encode('this is plain text, not a compressed stream');
    await assert.rejects(collect(decompress(codec, each([wrong]))), { code: 'ARCHIVE_DAMAGED' });
  });

  test(`an error of the source passes through the ${codec} decompressor as it is`, async () => {
    const failure = new Error('the store is away');
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield (await compressAll(codec, [new Uint8Array(10)])).subarray(0, 4);
      throw failure;
    }
    await assert.rejects(collect(decompress(codec, broken())), (error) => error === failure);
  });
}

test('a block above the frame limit becomes several frames and stays one stream', async () => {
  const block = new Uint8Array(MAX_FRAME_BYTES * 2 + 12_345).map((_, at) => (at * 31 + (at >> 8)) & 255);
  const stored = await createCodec('zstd').compress(block.slice());
  assert.deepEqual(new Uint8Array(execFileSync('zstd', ['-dcq'], { input: stored, maxBuffer: 1 << 30 })), block);
  assert.ok(findFrame(stored)!.size < stored.length, 'there is more than one frame');
});

test('frames of the zstd program are read: with checksum, without content size, at high levels, skippable', async () => {
  const rows = new TextEncoder().encode('row\t1\n'.repeat(100_000));
  const streamed = execFileSync('zstd', ['-q', '-c', '--check', '-9'], { input: rows });
  const plain = execFileSync('zstd', ['-q', '-c', '--no-check', '--no-content-size', '-1'], { input: rows });
  const skippable = Uint8Array.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const stored = concatBytes([streamed, skippable, plain]);
  assert.deepEqual(await collect(decompress('zstd', inPieces(stored, [1000]))), concatBytes([rows, rows]));
});

test('a changed byte in a frame with checksum is found', async () => {
  const stored = execFileSync('zstd', ['-q', '-c', '--check'], { input: 'some rows, some more rows and rows again\n' });
  stored[stored.length - 6]! ^= 1;
  await assert.rejects(collect(decompress('zstd', each([stored]))), { code: 'ARCHIVE_DAMAGED' });
});

test('gzip members of other programs are read', async () => {
  const stored = concatBytes([gzipSync('a'), gzipSync('b', { level: 9 })]);
  assert.equal(new TextDecoder().decode(await collect(decompress('gzip', each([stored])))), 'ab');
});

test('the committed build of zstd is the one that was built: checksums hold', () => {
  const vendor = new URL('../../../supabase/functions/_shared/vendor/zstd/', import.meta.url);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const actual = new Map([
    ['zstd-wasm.ts', sha256(readFileSync(new URL('zstd-wasm.ts', vendor)))],
    ['zstd.wasm', sha256(Buffer.from(ZSTD_WASM_BASE64, 'base64'))],
  ]);
  const lines = readFileSync(new URL('CHECKSUMS', vendor), 'utf8').trim().split('\n');
  assert.deepEqual(new Map(lines.map((line) => line.split(/ +/).reverse() as [string, string])), actual);
});

test('the memory of WebAssembly does not grow with the number of blocks', async () => {
  const zstd = await loadZstd();
  const block = new Uint8Array(1 << 20).map((_, at) => (at * 7919) & 255);
  zstd.compress(block, 1);
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 300; count += 1) zstd.compress(block, 1);
  assert.ok(process.memoryUsage().rss - before < 60e6, `grew by ${process.memoryUsage().rss - before} bytes`);
});

test('blocks are compressed by a pool at the same time, and their order is kept', async () => {
  const zstd = await loadZstd();
  let running = 0;
  let most = 0;
  const pool = {
    size: 3,
    async zstd(block: Uint8Array, level: number) {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20 - block[0]!));
      running -= 1;
      return zstd.compress(block, level);
    },
    close: async () => {},
  };
  const blocks = Array.from({ length: 12 }, (_, at) => new Uint8Array(100).fill(at));
  const stored = await collect(compressBlocks(each(blocks), createCodec('zstd', { pool })));
  assert.deepEqual(await collect(decompress('zstd', each([stored]))), concatBytes(blocks));
  assert.ok(most >= 3 && most <= 4, `${most} at the same time`);
});

test('a block that was compressed is given back to be filled again, a view of another buffer is not', async () => {
  const codec = createCodec('zstd');
  assert.equal(codec.spareBlock!(4096), null);
  const block = new Uint8Array(4096).fill(7);
  await codec.compress(block.subarray(0, 4000));
  await codec.compress(new Uint8Array(4096).subarray(0, 100));
  await codec.compress(new Uint8Array(100));
  assert.equal(codec.spareBlock!(4096)?.buffer, block.buffer);
  assert.equal(codec.spareBlock!(4096), null);
});

test('a level that the codec does not have is refused', () => {
  for (const [name, level] of [
    ['zstd', 0],
    ['zstd', 5],
    ['zstd', 1.5],
    ['gzip', 10],
    ['gzip', Number.NaN],
  ] as const) {
    assert.throws(() => createCodec(name, { level }), { code: 'CONFIG_INVALID' }, `${name} ${level}`);
  }
});
