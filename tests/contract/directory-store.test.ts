import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createDirectoryStore } from '../../supabase/functions/_shared/stores/directory-store.ts';
import { keysOf, pattern } from './store-cases.ts';
import { describeStore } from './store-contract.ts';

const root = await mkdtemp(join(tmpdir(), 'holdfast-stores-'));
const NO_MOUNT = canMount() ? false : 'cannot mount a file system here';
let count = 0;
const newFolder = () => join(root, String(count++), 'not', 'there', 'yet');

after(() => rm(root, { recursive: true, force: true }));

describeStore('the directory store', { create: async () => createDirectoryStore(newFolder()) });

test('files stand under their keys with percent signs unchanged, so that sha256sum -c passes', async () => {
  const folder = newFolder();
  const store = createDirectoryStore(folder);
  const key = 'tables/public.b%C3%BCcher 2.copy';
  const { sha256 } = await store.put(key, pattern(1000));
  await store.put('checksums.sha256', new TextEncoder().encode(`${sha256}  ${key}\n`));
  assert.match(execFileSync('sha256sum', ['-c', 'checksums.sha256'], { cwd: folder, encoding: 'utf8' }), /OK/);
});

test('a finished or deleted object leaves no temporary file and no empty folder', async () => {
  const folder = newFolder();
  const store = createDirectoryStore(folder);
  await store.put('a/b/c', pattern(10));
  assert.deepEqual(await readdir(folder, { recursive: true }), ['a', 'a/b', 'a/b/c']);
  await store.delete('a/b/c');
  assert.deepEqual(await readdir(folder), []);
});

test('only the owner may read what is written', async () => {
  const folder = newFolder();
  await createDirectoryStore(folder).put('x/y', pattern(10));
  assert.equal((await stat(join(folder, 'x/y'))).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, 'x'))).mode & 0o777, 0o700);
});

test('uploads of a process that died are counted, cleaned and never listed', async () => {
  const folder = newFolder();
  const store = createDirectoryStore(folder);
  await mkdir(join(folder, '.holdfast-uploads/some-id/backup/one'), { recursive: true });
  await writeFile(join(folder, '.holdfast-uploads/some-id/backup/one/segment'), 'half');
  assert.deepEqual(await keysOf(store, ''), []);
  assert.equal(await store.abortUploads('backup/two'), 0);
  assert.equal(await store.abortUploads('backup/one/'), 1);
  assert.deepEqual(await readdir(folder), []);
});

test('the folder of unfinished uploads is not a place for objects', async () => {
  const store = createDirectoryStore(newFolder());
  await assert.rejects(store.put('.holdfast-uploads/x', pattern(1)), { code: 'OBJECT_KEY_INVALID' });
});

test('symbolic links are not listed', async () => {
  const folder = newFolder();
  await mkdir(folder, { recursive: true });
  await symlink('/etc', join(folder, 'outside'));
  assert.deepEqual(await keysOf(createDirectoryStore(folder), ''), []);
});

test('a file where a folder is needed is refused with a reason, and nothing is left', async () => {
  const folder = newFolder();
  const store = createDirectoryStore(folder);
  await store.put('name', pattern(1));
  await assert.rejects(store.put('name/below', pattern(1)), { code: 'STORE_REFUSED', hint: /empty directory/ });
  await store.put('dir/file', pattern(1));
  await assert.rejects(store.put('dir', pattern(1)), { code: 'STORE_REFUSED' });
  assert.deepEqual(await readdir(folder, { recursive: true }), ['dir', 'name', 'dir/file']);
});

test('a name that is too long for the file system is OBJECT_KEY_INVALID', async () => {
  const store = createDirectoryStore(newFolder());
  await assert.rejects(store.put('n'.repeat(300), pattern(1)), { code: 'OBJECT_KEY_INVALID' });
});

test('a full disk is STORE_FULL and leaves no half object', { skip: NO_MOUNT }, async () => {
  const folder = join(root, 'small');
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  try {
    const store = createDirectoryStore(folder);
    await store.put('fits', pattern(100_000));
    await assert.rejects(store.put('too/much', pattern(2_000_000)), { code: 'STORE_FULL' });
    assert.deepEqual(await readdir(folder, { recursive: true }), ['fits']);
  } finally {
    execFileSync('umount', [folder]);
  }
});

test('a directory that may not be written is STORE_DENIED', { skip: NO_MOUNT }, async () => {
  const folder = join(root, 'read-only');
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', folder]);
  try {
    await assert.rejects(createDirectoryStore(folder).check(), { code: 'STORE_DENIED', hint: /permissions/ });
  } finally {
    execFileSync('umount', [folder]);
  }
});

function canMount(): boolean {
  try {
    execFileSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // asked in order to know
  }
}
