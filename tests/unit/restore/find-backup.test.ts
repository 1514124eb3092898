import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newBackupId } from '../../../supabase/functions/_shared/domain/backup-id.ts';
import type { Cadence } from '../../../supabase/functions/_shared/domain/cadence.ts';
import { backupFolder } from '../../../supabase/functions/_shared/domain/object-path.ts';
import { periodOf } from '../../../supabase/functions/_shared/domain/period.ts';
import { findBackup } from '../../../supabase/functions/_shared/restore/find-backup.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { Store } from '../../../supabase/functions/_shared/stores/store.ts';

const TIME = new Date('2026-01-14T02:00:00Z');

async function addBackup(store: Store, folder: string, files = ['manifest.json']): Promise<void> {
  for (const file of files) await store.put(`${folder}/${file}`, new Uint8Array(1));
}

function folderOf(cadence: Cadence, time = TIME, label?: string): { id: string; folder: string } {
  const id = newBackupId(cadence, time, '9f3c11ab');
  return { id, folder: backupFolder({ cadence, period: periodOf(cadence, time, label), backupId: id }) };
}

/** The store, counting what is listed: listing everything is the last resort. */
function counting(store: Store): Store & { listed: string[] } {
  const listed: string[] = [];
  return {
    ...store,
    listed,
    list(prefix) {
      listed.push(prefix);
      return store.list(prefix);
    },
  };
}

test('a backup of every cadence is found by its id without listing', async () => {
  const store = counting(createMemoryStore());
  for (const cadence of ['hourly', 'daily', 'weekly', 'monthly', 'yearly', 'emergency', 'manual'] as const) {
    const { id, folder } = folderOf(cadence);
    await addBackup(store, folder);
    assert.equal(await findBackup(store, id), folder);
  }
  assert.deepEqual(store.listed, []);
});

test('one before a deployment, whose label the id does not have, is found by listing its day', async () => {
  const store = counting(createMemoryStore());
  const { id, folder } = folderOf('pre-deployment', TIME, 'Feature XYZ');
  await addBackup(store, folder);
  assert.equal(await findBackup(store, id), folder);
  assert.deepEqual(store.listed, ['pre-deployment/2026-01-14']);
});

test('one that was moved is found by listing everything', async () => {
  const store = createMemoryStore();
  const { id } = folderOf('daily');
  await addBackup(store, `kept/for/ever/${id}`);
  assert.equal(await findBackup(store, id), `kept/for/ever/${id}`);
});

test('latest is the newest by the time in the id, whatever its folder and whenever it was uploaded', async () => {
  const store = createMemoryStore();
  const newest = folderOf('daily', new Date('2026-03-01T00:00:00Z'));
  const unfinished = folderOf('manual', new Date('2026-04-01T00:00:00Z'));
  await addBackup(store, newest.folder);
  await addBackup(store, folderOf('yearly', new Date('2026-02-01T00:00:00Z')).folder);
  await addBackup(store, unfinished.folder, ['tables/public.bookings.copy']);
  await addBackup(store, 'zzz/not-a-backup');
  assert.equal(await findBackup(store, 'latest'), newest.folder);
});

test('a folder counts only with a manifest, and what is there is said', async () => {
  const store = createMemoryStore();
  const unfinished = folderOf('manual');
  await addBackup(store, unfinished.folder, ['tables/public.bookings.copy']);
  const there = folderOf('daily');
  await addBackup(store, there.folder);
  for (const wanted of [unfinished.id, unfinished.folder, 'nothing/here', 'manual_2026']) {
    await assert.rejects(
      findBackup(store, wanted),
      (error: { code: string; exit: number; http: number; hint: string }) => {
        assert.deepEqual([error.code, error.exit, error.http], ['BACKUP_MISSING', 2, 404], wanted);
        assert.ok(error.hint.includes(there.id), error.hint);
        return true;
      },
    );
  }
});

test('an empty store has no latest backup, and a folder outside of it is refused', async () => {
  const store = createMemoryStore();
  await assert.rejects(findBackup(store, 'latest'), { code: 'BACKUP_MISSING', message: /no backup in memory/ });
  await assert.rejects(findBackup(store, '../other'), { code: 'OBJECT_KEY_INVALID' });
});
