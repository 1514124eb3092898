/** --archive: one file that tar, jq, sha256sum and restore.sh can read without us. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openArchiveFile } from '../../../scripts/cli/open-archive-file.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import {
  exportJson,
  filesIn,
  type Keyring,
  makeKeyring,
  run,
  runExport,
  startExport,
  temporaryDirectory,
  withSql,
} from './export-harness.ts';

const major = POSTGRES_MAJORS[0]!;
const FULL = ['--mode', 'full', '--archive'];
let database: TestDatabase;
let keys: Keyring;
let env: Record<string, string>;
const directories: string[] = [];

before(async () => {
  keys = makeKeyring();
  database = await createTestDatabase({ major, template: 'demo' });
  env = { DATABASE_URL: database.url };
});

after(async () => {
  await database?.drop();
  keys?.dispose();
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function newDirectory(): string {
  const directory = temporaryDirectory();
  directories.push(directory);
  return directory;
}

function sha256Of(path: string): string {
  return run('sha256sum', [path]).toString().slice(0, 64);
}

test('a readable archive is one tar.gz with JSON per table, as tar, jq and sha256sum see it', async () => {
  const out = newDirectory();
  const made = await exportJson([...FULL, out, '--no-encrypt'], env);
  const { path, bytes, sha256 } = made.archive;
  assert.match(basename(path), /^backup-\d{4}-\d\d-\d\d\.tar\.gz$/);
  assert.equal(basename(path), `backup-${made.taken_at.slice(0, 10)}.tar.gz`);
  assert.equal(made.location, path);
  assert.deepEqual(readdirSync(out).sort(), [basename(path), `${basename(path)}.sha256`]);
  assert.equal(statSync(path).size, bytes);
  assert.equal(sha256Of(path), sha256);
  run('sha256sum', ['--check', '--strict', `${basename(path)}.sha256`], { cwd: out });

  const members = run('tar', ['tzf', path]).toString().trim().split('\n');
  assert.ok(members.every((name) => name.startsWith(`${made.backup_id}/`)));
  assert.equal(members[0], `${made.backup_id}/manifest.json`);
  for (const name of ['checksums.sha256', 'restore.sh', 'RESTORE.md', 'tables/public.bookings.json'])
    assert.ok(members.includes(`${made.backup_id}/${name}`), name);

  run('tar', ['xzf', path], { cwd: out });
  const folder = join(out, made.backup_id);
  run('sha256sum', ['--check', '--strict', '--quiet', 'checksums.sha256'], { cwd: folder });
  assert.equal(
    run('jq', ['-r', '.backup_id', join(folder, 'manifest.json')])
      .toString()
      .trim(),
    made.backup_id,
  );
  const rows = run('jq', ['.data | length', join(folder, 'tables/public.bookings.json')])
    .toString()
    .trim();
  assert.equal(rows, '2000');
  const sum = run('jq', ['[.data[].id] | unique | length', join(folder, 'tables/public.bookings.json')]);
  assert.equal(sum.toString().trim(), '2000');
  assert.ok(statSync(join(folder, 'restore.sh')).mode & 0o100, 'can be run');
});

test('restore.sh of an unpacked archive puts the rows back', async () => {
  const out = newDirectory();
  const made = await exportJson([...FULL, out, '--no-encrypt'], env);
  run('tar', ['xzf', made.archive.path], { cwd: out });
  const target = await createTestDatabase({ major, template: 'supabase' });
  try {
    run('sh', ['restore.sh', target.url], { cwd: join(out, made.backup_id) });
    // A JSON null in a jsonb column is the one thing that JSON exports do not tell from NULL; see docs/archive-format.md.
    const digest = (url: string) =>
      withSql(
        url,
        (sql) => sql`
          select count(*), md5(string_agg(jsonb_strip_nulls(to_jsonb(b))::text, ',' order by b.id)) from public.bookings b`,
      );
    assert.deepEqual(await digest(target.url), await digest(database.url));
  } finally {
    await target.drop();
  }
});

test('with public keys the members are encrypted, and gpg and gunzip read them', async () => {
  const out = newDirectory();
  const made = await exportJson([...FULL, out], { ...env, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys });
  assert.equal(made.encrypted_to.length, 1);
  run('tar', ['xzf', made.archive.path], { cwd: out });
  const file = join(out, made.backup_id, 'tables/public.bookings.json.gz.pgp');
  const text = run('gunzip', ['-c'], { input: keys.gpg(['--decrypt', file]) });
  assert.equal(run('jq', ['.data | length'], { input: text }).toString().trim(), '2000');
});

test('a second archive of the same day gets a name of its own, also beside a checksum that is left over', async () => {
  const out = newDirectory();
  const first = await exportJson([...FULL, out, '--no-encrypt'], env);
  const before = sha256Of(first.archive.path);
  const stem = first.archive.path.replace('.tar.gz', '');
  writeFileSync(`${stem}-2.tar.gz.sha256`, 'of something else');
  const third = await exportJson([...FULL, out, '--no-encrypt'], env);
  assert.equal(third.archive.path, `${stem}-3.tar.gz`);
  assert.equal(sha256Of(first.archive.path), before);
  assert.equal(readFileSync(`${stem}-2.tar.gz.sha256`, 'utf8'), 'of something else');
  run('sha256sum', ['--check', `${basename(stem)}-3.tar.gz.sha256`], { cwd: out });
});

test('two archives at the same time both arrive', async () => {
  const out = newDirectory();
  const made = await Promise.all([1, 2].map(() => exportJson([...FULL, out, '--no-encrypt'], env)));
  assert.notEqual(made[0].archive.path, made[1].archive.path);
  for (const { archive } of made) assert.equal(sha256Of(archive.path), archive.sha256);
  assert.equal(readdirSync(out).length, 4);
});

test('the report names file, size and hash', async () => {
  const out = newDirectory();
  const { code, stdout, stderr } = await runExport([...FULL, out, '--no-encrypt'], env);
  assert.equal(code, 0, stderr);
  const [name] = readdirSync(out).filter((file) => file.endsWith('.gz'));
  assert.ok(stdout.includes(`Backup archive: ${join(out, name!)} (`), stdout);
  assert.ok(stdout.includes(`SHA-256: ${sha256Of(join(out, name!))}`), stdout);
});

test('--dry-run writes nothing', async () => {
  const out = newDirectory();
  const { code, stderr } = await runExport([...FULL, out, '--no-encrypt', '--dry-run'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(readdirSync(out), []);
});

test('--archive with a bucket or with --out is a mistake', async () => {
  const out = newDirectory();
  const both = await runExport([...FULL, out, '--out', out, '--no-encrypt'], env);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /--archive writes one file, --out a directory/);
  const bucket = await runExport([...FULL, out, '--no-encrypt'], { ...env, BACKUP_S3_BUCKET: 'somewhere' });
  assert.equal(bucket.code, 2);
  assert.match(bucket.stderr, /BACKUP_S3_BUCKET names a bucket/);
  assert.deepEqual(readdirSync(out), []);
});

test('a directory that cannot be written to is named', async () => {
  const out = newDirectory();
  writeFileSync(join(out, 'file'), '');
  const { code, stderr } = await runExport([...FULL, join(out, 'file'), '--no-encrypt'], env);
  assert.equal(code, 1, stderr);
  assert.ok(stderr.includes(join(out, 'file')), stderr);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} while it is exported or packed leaves nothing`, async () => {
    const large = await largeDatabase();
    try {
      for (const phase of ['tables/', 'archive.tar.gz']) {
        const out = newDirectory();
        const { child, ended } = await startedExport(large, { out, phase });
        child.kill(signal);
        const { code, stdout, stderr } = await ended;
        assert.equal(code, 130, stderr);
        assert.equal(stdout, '');
        assert.deepEqual(readdirSync(out), [], phase);
      }
    } finally {
      await large.drop();
    }
  });
}

test('what kill -9 left goes away with the next archive in the same directory, and what is being made stays', async () => {
  const large = await largeDatabase();
  try {
    const out = newDirectory();
    const killed = await startedExport(large, { out, phase: 'tables/' });
    killed.child.kill('SIGKILL');
    await killed.ended;
    const [left, ...others] = readdirSync(out);
    assert.match(left!, /^\.holdfast-archive-/);
    assert.deepEqual(others, []);

    const running = await startedExport(large, { out, phase: 'tables/' });
    const [own, ...more] = readdirSync(out);
    assert.notEqual(own, left);
    assert.deepEqual(more, [], 'the leftover is gone');
    running.child.kill('SIGSTOP');
    const made = await exportJson([...FULL, out, '--no-encrypt'], env);
    assert.ok(readdirSync(out).includes(own!), 'its process lives');
    running.child.kill('SIGCONT');
    const { code, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    const archives = readdirSync(out).filter((name) => name.endsWith('.tar.gz'));
    assert.equal(archives.length, 2);
    assert.ok(archives.includes(basename(made.archive.path)));
    assert.equal(readdirSync(out).length, 4, 'and their checksums, no more');
  } finally {
    await large.drop();
  }
});

async function largeDatabase(): Promise<TestDatabase> {
  const large = await createTestDatabase({ major, template: 'empty' });
  await withSql(
    large.adminUrl,
    (sql) => sql`
      create table large as
      select i as id, md5(i::text) as a, repeat(md5((i * 7)::text), 10) as b from generate_series(1, 300000) i`,
  );
  return large;
}

/** An export that has written the first file whose path has `phase` in it. */
async function startedExport(from: TestDatabase, { out, phase }: { out: string; phase: string }) {
  const before = new Set(filesNow(out));
  const started = startExport([...FULL, out, '--no-encrypt'], { DATABASE_URL: from.adminUrl });
  const begun = () => existsSync(out) && filesNow(out).some((file) => file.includes(phase) && !before.has(file));
  while (started.child.exitCode === null && !begun()) await sleep(5);
  assert.equal(started.child.exitCode, null, `it was over too early: ${phase}`);
  return started;
}

/** Files come and go while we look. */
function filesNow(directory: string): string[] {
  try {
    return filesIn(directory);
  } catch {
    return [];
  }
}

test('openArchiveFile gives the backup as a store, and close() removes what it unpacked', async () => {
  const out = newDirectory();
  const made = await exportJson([...FULL, out, '--no-encrypt'], env);
  const opened = await openArchiveFile(made.archive.path);
  assert.equal(opened.folder, made.backup_id);
  const bytes = await opened.store.getBytes(`${opened.folder}/manifest.json`);
  assert.equal(createHash('sha256').update(bytes).digest('hex'), made.manifest_sha256);
  const location = opened.store.location;
  assert.equal(statSync(location).mode & 0o077, 0, 'private');
  const listed = [];
  for await (const object of opened.store.list(`${opened.folder}/`)) listed.push(object.key);
  assert.equal(listed.length, made.objects);
  await opened.close();
  await opened.close();
  assert.equal(existsSync(location), false);
});

test('an archive that somebody packed again with tar is read too', async () => {
  const out = newDirectory();
  const made = await exportJson([...FULL, out, '--no-encrypt'], env);
  const deep = join(out, 'copy/manual/2026-01-14-02-00');
  mkdirSync(deep, { recursive: true });
  run('tar', ['xzf', made.archive.path], { cwd: deep });
  run('tar', ['czf', '../again.tar.gz', '.'], { cwd: join(out, 'copy') });
  const opened = await openArchiveFile(join(out, 'again.tar.gz'));
  try {
    assert.equal(opened.folder, `manual/2026-01-14-02-00/${made.backup_id}`);
    assert.ok(await opened.store.head(`${opened.folder}/checksums.sha256`));
  } finally {
    await opened.close();
  }
});
