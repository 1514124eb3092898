import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { verifyObjects } from '../../../supabase/functions/_shared/backup/verify-objects.ts';
import type { ManifestObject } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';

const BYTES = new TextEncoder().encode('rows of a table');

function listed(path: string): ManifestObject {
  const sha256 = createHash('sha256').update(BYTES).digest('hex');
  return { path, kind: 'segment', size: BYTES.length, sha256, raw_bytes: BYTES.length };
}

async function damagedStore() {
  const store = createMemoryStore();
  await store.put('f/good', BYTES);
  await store.put(
    'f/flipped',
    BYTES.map((byte, index) => (index === 3 ? byte ^ 1 : byte)),
  );
  await store.put('f/short', BYTES.subarray(1));
  return store;
}

const OBJECTS = ['good', 'flipped', 'short', 'gone'].map(listed);

test('deep names every object that is missing, cut or changed', async () => {
  const result = await verifyObjects(await damagedStore(), { folder: 'f', objects: OBJECTS, kind: 'deep' });
  assert.deepEqual(
    result.problems.map(({ path, what }) => [path, what]),
    [
      ['flipped', 'sha256'],
      ['short', 'size'],
      ['gone', 'missing'],
    ],
  );
  assert.deepEqual([result.objects, result.hashed], [4, 3]);
});

test('quick names what is missing or cut, and says how many contents it compared', async () => {
  const result = await verifyObjects(await damagedStore(), { folder: 'f', objects: OBJECTS, kind: 'quick' });
  assert.deepEqual(
    result.problems.map(({ path, what }) => [path, what]),
    [
      ['short', 'size'],
      ['gone', 'missing'],
    ],
  );
  assert.equal(result.hashed, 0, 'the manifest has no checksum of the store to compare');
});
