import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equipFunctions } from '../../../supabase/functions/_shared/backup/equip-functions.ts';
import type { Platform } from '../../../supabase/functions/_shared/platform.ts';

const ENVIRONMENT: Readonly<Record<string, string>> = {
  SUPABASE_URL: 'https://example.supabase.co',
  SUPABASE_DB_URL: 'postgresql://postgres:secret@db.example.com:5432/postgres',
  SUPABASE_SERVICE_ROLE_KEY: 'service',
  SUPABASE_ANON_KEY: 'anon',
  BACKUP_S3_BUCKET: 'backups',
  BACKUP_S3_ACCESS_KEY_ID: 'id',
  BACKUP_S3_SECRET_ACCESS_KEY: 'key',
  BACKUP_ALLOW_UNENCRYPTED: 'true',
};
const platform = { env: (name: string) => ENVIRONMENT[name] } as Platform;
const BLOCK_BYTES = 1024 * 1024;

test('the block of one object is filled again for the next object', async () => {
  const { means } = await equipFunctions(platform);
  const first = means.codecFor('zstd');
  assert.equal(first.spareBlock!(BLOCK_BYTES), null);
  const block = new Uint8Array(BLOCK_BYTES);
  await first.compress(block);
  const spare = means.codecFor('zstd').spareBlock!(BLOCK_BYTES);
  assert.equal(spare?.buffer, block.buffer);
});

test('each codec that is asked for is the one that is given', async () => {
  const { means } = await equipFunctions(platform);
  for (const name of ['zstd', 'gzip', 'none'] as const) assert.equal(means.codecFor(name).name, name);
});
