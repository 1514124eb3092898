import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { readBackups } from '../../../supabase/functions/_shared/restore/read-backups.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';

function manifestOf(day: number): Manifest {
  const date = `202601${String(day).padStart(2, '0')}`;
  return {
    format: 'holdfast-archive',
    version: { major: 1, minor: 0 },
    backup_id: `daily_${date}_020000_00000000`,
    cadence: 'daily',
    period: `2026-01-${date.slice(6)}`,
    scope: 'full',
    created_at: '2026-01-14T02:00:00Z',
    completed_at: '2026-01-14T02:01:00Z',
    status: 'completed',
    limits: [],
    tool: { name: 'holdfast', version: '0.1.0' },
    source: { database: 'db', server_version: '17', server_version_num: 170000, encoding: 'UTF8', supabase: false },
    consistency: {
      way: 'own-connection',
      snapshot: null,
      pg_snapshot: '1:1:',
      lsn: null,
      taken_at: '2026-01-14T02:00:00Z',
    },
    data_format: 'copy',
    codec: 'zstd',
    encryption: null,
    signing: null,
    schema: { managed_schemas: [], extensions: [], sections: [] },
    tables: [],
    objects: [],
    totals: { tables: 0, rows: 0, objects: 0, raw_bytes: 0, stored_bytes: 0 },
  };
}

function folderOf({ cadence, period, backup_id }: Manifest): string {
  return `${cadence}/${period}/${backup_id}`;
}

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

async function filledStore(days: number): Promise<{ store: Store; folders: string[] }> {
  const store = createMemoryStore();
  const folders: string[] = [];
  for (let day = 1; day <= days; day += 1) {
    const manifest = manifestOf(day);
    folders.push(folderOf(manifest));
    await store.put(`${folderOf(manifest)}/manifest.json`, bytesOf(manifest));
    await store.put(`${folderOf(manifest)}/restore.sh`, bytesOf(''));
  }
  return { store, folders };
}

async function foldersOf(backups: AsyncIterable<{ folder: string }>): Promise<string[]> {
  const folders: string[] = [];
  for await (const { folder } of backups) folders.push(folder);
  return folders;
}

test('every backup comes once and in order, though several manifests are read at the same time', async () => {
  const { store, folders } = await filledStore(28);
  let reading = 0;
  let most = 0;
  const slow: Store = {
    ...store,
    async getBytes(key, maxBytes) {
      reading += 1;
      most = Math.max(most, reading);
      await sleep(key.includes('2026-01-01') ? 50 : 1);
      reading -= 1;
      return store.getBytes(key, maxBytes);
    },
  };
  assert.deepEqual(await foldersOf(readBackups(slow)), folders);
  assert.ok(most > 1 && most <= 8, `${most} at the same time`);
});

test('large manifests are not read at the same time', async () => {
  const { store } = await filledStore(5);
  let reading = 0;
  const large: Store = {
    ...store,
    async *list(prefix) {
      for await (const info of store.list(prefix)) yield { ...info, size: 30 * 1024 * 1024 };
    },
    async getBytes(key, maxBytes) {
      reading += 1;
      assert.equal(reading, 1, 'alone');
      await sleep(5);
      reading -= 1;
      return store.getBytes(key, maxBytes);
    },
  };
  assert.equal((await foldersOf(readBackups(large))).length, 5);
});

test('a manifest that is damaged, or another backup’s, is a problem, and the others are read', async () => {
  const { store, folders } = await filledStore(4);
  await store.put(`${folders[0]}/manifest.json`, bytesOf({ half: true }));
  await store.put(`${folders[1]}/manifest.json`, bytesOf(manifestOf(4)));
  const found: string[] = [];
  for await (const backup of readBackups(store)) {
    found.push('problem' in backup ? backup.problem.code : backup.manifest.backup_id);
  }
  const whole = [3, 4].map((day) => manifestOf(day).backup_id);
  assert.deepEqual(found, ['MANIFEST_INVALID', 'MANIFEST_INVALID', ...whole]);
});

test('folders without a manifest and files of others are passed over', async () => {
  const { store, folders } = await filledStore(1);
  for (const key of [
    'manifest.json',
    'photos/2026/manifest.json',
    'weekly/2026-01-01/daily_20260101_020000_00000000/manifest.json',
    `${folders[0]}/config/manifest.json`,
    'daily/2026-01-02/daily_20260102_020000_00000000/restore.sh',
  ])
    await store.put(key, bytesOf({}));
  assert.deepEqual(await foldersOf(readBackups(store)), folders);
});

test('what is not wanted by its name is not read', async () => {
  const { store, folders } = await filledStore(3);
  const read: string[] = [];
  const watched: Store = {
    ...store,
    getBytes(key, maxBytes) {
      read.push(key);
      return store.getBytes(key, maxBytes);
    },
  };
  const since = new Date('2026-01-03T00:00:00Z');
  assert.deepEqual(await foldersOf(readBackups(watched, ({ startedAt }) => startedAt >= since)), [folders[2]]);
  assert.deepEqual(read, [`${folders[2]}/manifest.json`]);
});

test('a backup that is deleted meanwhile is passed over; a store that fails is an error', async () => {
  const { store, folders } = await filledStore(3);
  const failing = (error: Error): Store => ({
    ...store,
    getBytes: (key, maxBytes) => (key.startsWith(folders[1]!) ? Promise.reject(error) : store.getBytes(key, maxBytes)),
  });
  assert.deepEqual(await foldersOf(readBackups(failing(ERRORS.OBJECT_MISSING('gone')))), [folders[0], folders[2]]);
  await assert.rejects(foldersOf(readBackups(failing(ERRORS.STORE_DENIED('no')))), { code: 'STORE_DENIED' });
});
