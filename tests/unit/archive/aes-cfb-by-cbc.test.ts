/** The CFB that the edge runtime lacks, judged by the one of node:crypto, which is OpenSSL's. */
import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { aesCfbByCbc } from '../../../supabase/functions/_shared/archive/aes-cfb-by-cbc.ts';

async function encrypted(key: Uint8Array, pieces: Uint8Array[]): Promise<Buffer> {
  const source = (async function* () {
    for (const piece of pieces) {
      yield piece;
      piece.fill(0xee); // a piece belongs to its giver again once the next one is asked for
    }
  })();
  const parts: Uint8Array[] = [];
  for await (const part of aesCfbByCbc(key, source)) parts.push(part.slice()); // freed soon
  return Buffer.concat(parts);
}

function expected(key: Uint8Array, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cfb', key, new Uint8Array(16));
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

const CHUNK = 512 * 1024;
for (const size of [0, 1, 15, 16, 17, 4099, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 21]) {
  test(`${size} bytes in one piece are what OpenSSL makes of them`, async () => {
    const [key, plain] = [randomBytes(32), randomBytes(size)];
    assert.deepEqual(await encrypted(key, [Uint8Array.from(plain)]), expected(key, plain));
  });
}

test('however the bytes are cut into pieces, empty ones too, the result is the same', async () => {
  const pieces = fc.array(fc.oneof(fc.nat(40), fc.integer({ min: 200_000, max: 600_000 })), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(pieces, async (sizes) => {
      const key = randomBytes(32);
      const parts = sizes.map((size) => randomBytes(size));
      const plain = Buffer.concat(parts);
      assert.ok(
        (
          await encrypted(
            key,
            parts.map((part) => Uint8Array.from(part)),
          )
        ).equals(expected(key, plain)),
      );
    }),
    { numRuns: 30 },
  );
});

test('a source that fails ends the cipher with its own error', async () => {
  const failure = new Error('the source broke');
  const source = (async function* () {
    yield new Uint8Array(100);
    throw failure;
  })();
  await assert.rejects(async () => {
    for await (const _ of aesCfbByCbc(randomBytes(32), source));
  }, failure);
});
