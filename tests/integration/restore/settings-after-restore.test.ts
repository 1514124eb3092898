/** Backups hold no settings: what a restored database says and does without them. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { openSubjectRows } from '../../../supabase/functions/_shared/account/read-subject-rows.ts';
import type { SubjectSource } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { missingSettings } from '../../../supabase/functions/_shared/restore/missing-settings.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup, restore } from './restore-harness.ts';

const USER = { id: '5eed0000-0000-4000-a000-000000000001', email: null, phone: null };
const SOURCE: SubjectSource = {
  schema: 'public',
  table: 'calls',
  category: 'other',
  paths: [[{ columns: ['user_id'], to: { schema: 'auth', table: 'users', columns: ['id'] } }]],
  readAs: 'owner',
  erase: 'delete',
  keepReason: null,
  keepFor: null,
  columns: [{ column: 'number', rule: 'hash', unlessOwn: null, anonymise: null }],
};

let keys: Keyring;
let out: string;
let source: TestDatabase;
let target: TestDatabase;
let backup: MadeBackup;

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  source = await createTestDatabase({ major: 17, template: 'holdfast' });
  target = await createTestDatabase({ major: 17, template: 'supabase' });
  await withSql(source.url, (sql) =>
    sql.unsafe(`create table public.calls (user_id uuid, number text);
      insert into public.calls values ('${USER.id}', '+49 30 1'), ('${USER.id}', '+49 30 1'), ('${USER.id}', '+49 30 2')`),
  );
  backup = await makeBackup(source.url, { keys, out });
});

after(async () => {
  await source.drop();
  await target.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

const numbers = async ({ url }: TestDatabase): Promise<string[]> => {
  const session = await openSession(nodePlatform, url, { applicationName: 'test' });
  try {
    const found: string[] = [];
    for await (const { rows } of await openSubjectRows(session, SOURCE, USER)) {
      found.push(...rows.map(({ json }) => JSON.parse(json).number as string));
    }
    return found;
  } finally {
    await session.close();
  }
};
const saidOf = async ({ url }: TestDatabase): Promise<string[]> => {
  const session = await openSession(nodePlatform, url, { applicationName: 'test' });
  try {
    return await missingSettings(session);
  } finally {
    await session.close();
  }
};

test('a restore says that settings must be set again; until then nothing is hashed, and nobody takes null for a hash', async () => {
  const report = await restore(backup, target.url);
  assert.equal(report.error, null, JSON.stringify(report.error));
  const said = report.differences.filter((text) => text.includes('backup.setting'));
  assert.equal(said.length, 1, report.differences.join('\n'));
  assert.match(said[0]!, /backup\.configure\(\).*subject_file_folders/);
  await assert.rejects(numbers(target), (error: { code: string; message: string; hint: string }) => {
    assert.equal(error.code, 'SUBJECT_SOURCE_INVALID');
    assert.match(error.message, /public\.calls: number cannot be hashed, .* no subject_hash_salt/);
    assert.match(error.hint, /backup\.configure\(\)/);
    return true;
  });
});

test('backup.configure() draws a new secret for the restored database, and keeps the one that is there', async () => {
  await withSql(target.url, (sql) => sql`select backup.configure('https://project.example/functions/v1')`);
  const hashes = await numbers(target);
  assert.equal(new Set(hashes).size, 2);
  for (const hash of hashes) assert.match(hash, /^[0-9a-f]{64}$/);
  assert.ok(!(await numbers(source)).includes(hashes[0]!));
  await withSql(target.url, (sql) => sql`select backup.configure()`);
  assert.deepEqual(await numbers(target), hashes);
  assert.deepEqual([await saidOf(target), await saidOf(source)], [[], []]);
});

test('a database without Holdfast lacks no settings', async () => {
  const empty = await createTestDatabase({ major: 17, template: 'empty' });
  try {
    await withSql(empty.url, (sql) => sql.unsafe('create schema backup; create table backup.setting (name text)'));
    assert.deepEqual(await saidOf(empty), []);
  } finally {
    await empty.drop();
  }
});
