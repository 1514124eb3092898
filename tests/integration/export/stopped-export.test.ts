/** An export that ends early, however it ends, never leaves anything that looks like a backup. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, rmSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { type StartedCli, startScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, filesIn, runExport, startExport, temporaryDirectory, withSql } from './export-harness.ts';

const OPTIONS = ['--mode', 'full', '--no-encrypt', '--jobs', '1'];
let database: TestDatabase;
let env: Record<string, string>;
const directories: string[] = [];

before(async () => {
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
  env = { DATABASE_URL: database.adminUrl };
  // Several slices of 64 MB, so that there is time to stop between the first and the last.
  await withSql(
    database.adminUrl,
    (sql) => sql`
    create table large as select i as id, md5(i::text) as a, repeat(md5((i * 7)::text), 20) as b from generate_series(1, 350000) i`,
  );
});

after(async () => {
  await database.drop();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(): string {
  const directory = temporaryDirectory();
  directories.push(directory);
  return directory;
}

/** An export of which the first rows, but not the manifest, are stored. */
async function startedCopying(out: string, changed: Record<string, string> = {}): Promise<StartedCli> {
  const started = startExport([...OPTIONS, '--out', out], { ...env, ...changed });
  while (started.child.exitCode === null && !filesIn(out).some((file) => file.includes('/tables/'))) await sleep(10);
  assert.equal(started.child.exitCode, null, 'stopped before it was over');
  return started;
}

async function noConnectionLeft(): Promise<void> {
  const left = () =>
    withSql(
      database.adminUrl,
      (sql) => sql`select from pg_stat_activity where application_name like 'holdfast export%'`,
    );
  for (let tries = 0; tries < 100 && (await left()).length > 0; tries += 1) await sleep(50);
  assert.equal((await left()).length, 0);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends the export with 130 and leaves an empty store`, async () => {
    const out = newDirectory();
    const { child, ended } = await startedCopying(out);
    child.kill(signal);
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 130, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, /error: the export was interrupted\nhint: /);
    assert.deepEqual(readdirSync(out), []);
    await noConnectionLeft();
  });
}

test('a lost connection fails the export and leaves an empty store', async () => {
  const cases = [
    { application: 'holdfast export copy', codes: [1, 4] },
    { application: 'holdfast export', codes: [1] },
  ];
  for (const { application, codes } of cases) {
    const out = newDirectory();
    const { ended } = await startedCopying(out);
    await withSql(
      database.adminUrl,
      (sql) =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = ${application} and datname = current_database()`,
    );
    const { code, stdout, stderr } = await ended;
    assert.ok(codes.includes(code!), `${application}: ${code} ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: /m);
    assert.deepEqual(readdirSync(out), [], application);
  }
});

test('kill -9 leaves a folder that is no backup, the next export names it, and --clean-unfinished removes it when it is old', async () => {
  const out = newDirectory();
  const { child, ended } = await startedCopying(out);
  child.kill('SIGKILL');
  await ended;
  await noConnectionLeft();
  assert.equal(
    filesIn(out).some((file) => file.endsWith('manifest.json')),
    false,
  );
  const made = await exportJson([...OPTIONS, '--out', out], env);
  assert.equal(made.warnings.length, 1);
  assert.match(made.warnings[0], /1 folder without a manifest in this store \(manual\/.*--clean-unfinished/);

  const young = await exportJson(['--clean-unfinished', '--yes', '--out', out], {});
  assert.equal(young.unfinished.length, 1);
  assert.equal(young.removed, 0, 'it may still be running');
  const [{ folder }] = young.unfinished;
  const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
  for (const file of filesIn(join(out, folder))) utimesSync(join(out, folder, file), yesterday, yesterday);

  const shown = await runExport(['--clean-unfinished', '--out', out], {});
  assert.equal(shown.code, 0, shown.stderr);
  assert.match(shown.stdout, /would be removed[\s\S]*Nothing was removed: add --yes/);
  assert.ok(filesIn(out).some((file) => file.startsWith(folder)));

  const cleaned = await exportJson(['--clean-unfinished', '--yes', '--out', out], {});
  assert.equal(cleaned.removed, 1);
  assert.ok(
    filesIn(out).every((file) => file.startsWith(made.folder)),
    filesIn(out).join('\n'),
  );
  const after = await runExport(['--clean-unfinished', '--out', out], {});
  assert.match(after.stdout, /nothing to clean/);
});

test('what is not ours in the store is never touched', async () => {
  const out = newDirectory();
  const { mkdirSync, writeFileSync } = await import('node:fs');
  const foreign = [
    'photos/2026/manual_20260101_000000_00000000x/cat.jpg',
    'weekly/2026-W01/manual_20260101_000000_00000000/x',
    'notes.txt',
  ];
  const old = new Date(Date.now() - 100 * 24 * 3600 * 1000);
  for (const path of foreign) {
    mkdirSync(join(out, path, '..'), { recursive: true });
    writeFileSync(join(out, path), 'mine');
    utimesSync(join(out, path), old, old);
  }
  const cleaned = await exportJson(['--clean-unfinished', '--yes', '--out', out], {});
  assert.deepEqual(cleaned.unfinished, []);
  assert.deepEqual(filesIn(out), foreign.toSorted());
});

test('an interrupt ends the script also when the store never answers', { timeout: 180_000 }, async () => {
  const silent = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  try {
    const { child, ended } = startScript('export-critical-data.ts', [...OPTIONS, '--json'], {
      ...env,
      BACKUP_S3_ENDPOINT: `http://127.0.0.1:${port}`,
      BACKUP_S3_REGION: 'us-east-1',
      BACKUP_S3_BUCKET: 'backups',
      BACKUP_S3_ACCESS_KEY_ID: 'key',
      BACKUP_S3_SECRET_ACCESS_KEY: 'secret',
    });
    const [socket] = await once(silent, 'connection');
    const begun = performance.now();
    child.kill('SIGTERM');
    const { code, stdout } = await ended;
    socket.destroy();
    assert.equal(code, 130, stdout);
    assert.equal(JSON.parse(stdout).error.code, 'EXPORT_INTERRUPTED');
    assert.ok(performance.now() - begun < 40_000, 'an answer is waited for two minutes');
  } finally {
    silent.close();
  }
});
