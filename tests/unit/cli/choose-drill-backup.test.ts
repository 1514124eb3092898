import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDrillBackup } from '../../../scripts/cli/choose-drill-backup.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';

const folderOf = (cadence: string, date: string) => `${cadence}/2026-${date}/${cadence}_2026${date}_020000_00000000`;

async function storeWith(...keys: string[]) {
  const store = createMemoryStore();
  for (const key of keys) await store.put(key, new Uint8Array());
  return store;
}

test('the weekly drill takes the newest weekly backup that is whole', async () => {
  const store = await storeWith(
    `${folderOf('weekly', '0301')}/manifest.json`,
    `${folderOf('weekly', '0308')}/manifest.json`,
    `${folderOf('weekly', '0315')}/restore.sh`,
    `${folderOf('daily', '0316')}/manifest.json`,
    'weekly/notes/manifest.json',
  );
  assert.equal(await chooseDrillBackup(store, 'weekly'), folderOf('weekly', '0308'));
});

test('the monthly drill gives every monthly backup its turn', async () => {
  const dates = ['0101', '0201', '0301'];
  const store = await storeWith(...dates.map((date) => `${folderOf('monthly', date)}/manifest.json`));
  const chosen = new Set<string>();
  for (let turn = 0; turn < 200; turn += 1) chosen.add(await chooseDrillBackup(store, 'monthly'));
  assert.deepEqual(
    [...chosen].sort(),
    dates.map((date) => folderOf('monthly', date)),
  );
  await assert.rejects(chooseDrillBackup(store, 'weekly'), { code: 'BACKUP_MISSING', message: /no weekly backup/ });
});
