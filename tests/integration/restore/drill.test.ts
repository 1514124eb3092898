/** The drill command on real backups: it restores into a server of its own, checks, throws it away, and records. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { runScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup } from './restore-harness.ts';

let keys: Keyring;
let out: string;
let source: TestDatabase;
let backup: MadeBackup;
let keyFile: string;

const drill = (args: readonly string[], env: Record<string, string> = {}) =>
  runScript('test-backup-restore.ts', args, env);

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  keyFile = join(out, 'private.asc');
  source = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'demo' });
  backup = await makeBackup(source.url, { keys, out: join(out, 'store') });
  writeFileSync(keyFile, keys.gpg(['--armor', '--export-secret-keys']));
});

after(async () => {
  await source.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

test('a good backup passes, and the result is in backup_tests with the seconds of every phase', async () => {
  const report = join(out, 'drill.html');
  const args = ['--backup', backup.backupId, '--from', join(out, 'store'), '--private-key-file', keyFile, '--json'];
  const result = await drill([...args, '--report', report], { DATABASE_URL: source.url });
  const drilled = JSON.parse(result.stdout);
  const failed = drilled.checks.filter((check: { verdict: string }) => check.verdict === 'failed');
  assert.deepEqual(failed, []);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(drilled.verdict, 'passed');
  assert.ok(drilled.checks.length >= 11);
  const page = readFileSync(report, 'utf8');
  assert.match(page, /<h1 class="good">Drill passed<\/h1>/);
  assert.match(page, /A restore leaves these off/);
  const [row] = await withSql(
    source.url,
    (sql) =>
      sql`select backup_id, test_type, status, success, data_verified, errors, report from public.backup_tests where id = ${drilled.recorded}`,
  );
  assert.equal(row!.backup_id, backup.backupId);
  assert.deepEqual([row!.status, row!.success], ['passed', true]);
  assert.deepEqual(row!.errors, []);
  assert.equal(row!.report.backup_id, backup.backupId, 'the page of the function has a report to show');
  assert.ok(row!.data_verified.recovery_seconds < drilled.seconds, 'checks are no part of a recovery');
  const phases = row!.data_verified.phases.map((phase: { name: string }) => phase.name);
  for (const name of ['database', 'schema', 'authentication', 'checks', 'destruction'])
    assert.ok(phases.includes(name), name);
  const left = spawnSync('pgrep', ['-f', 'holdfast-drill-'], { encoding: 'utf8' });
  assert.equal(left.stdout, '', 'the server is gone');
});

test("a failing check of the owner's own fails the drill with exit code 1, and says which", async () => {
  await withSql(
    source.url,
    (sql) =>
      sql`insert into backup.drill_check (name, sql) values ('no bookings at all', 'select count(*) = 0 from public.bookings')`,
  );
  const broken = await makeBackup(source.url, { keys, out: join(out, 'store') });
  const args = ['--backup', broken.backupId, '--from', join(out, 'store'), '--private-key-file', keyFile];
  const result = await drill(args, { DATABASE_URL: source.url });
  assert.equal(result.code, 1, result.stdout + result.stderr);
  assert.match(result.stdout, /no bookings at all/);
  const [row] = await withSql(
    source.url,
    (sql) => sql`select success, errors from public.backup_tests where backup_id = ${broken.backupId}`,
  );
  assert.equal(row!.success, false);
  assert.equal(row!.errors[0].check, 'owner-checks');
});

test('a damaged backup ends with exit code 5 and is recorded as a drill that failed', async () => {
  const damaged = await makeBackup(source.url, { keys, out: join(out, 'store') });
  const manifest = JSON.parse(readFileSync(join(out, 'store', damaged.folder, 'manifest.json'), 'utf8'));
  const path = join(
    out,
    'store',
    damaged.folder,
    manifest.tables.find((one: { name: string }) => one.name === 'bookings').segments[0],
  );
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(path, bytes);
  const args = ['--backup', damaged.backupId, '--from', join(out, 'store'), '--private-key-file', keyFile, '--json'];
  const result = await drill(args, { DATABASE_URL: source.url });
  assert.equal(result.code, 5, result.stdout + result.stderr);
  const [row] = await withSql(
    source.url,
    (sql) => sql`select success, errors from public.backup_tests where backup_id = ${damaged.backupId}`,
  );
  assert.equal(row!.success, false);
  assert.equal(row!.errors[0].code, 'ARCHIVE_DAMAGED');
});

test("the platform's own extensions, which no other PostgreSQL has, are left out of a drill, and it passes", async () => {
  const project = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'demo' });
  try {
    await withSql(
      project.adminUrl,
      (sql) => sql`insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        values (99999, 'pg_graphql', 10, 'extensions'::regnamespace, false, '1.5')`,
    );
    const made = await makeBackup(project.url, { keys, out: join(out, 'hosted') });
    const args = ['--backup', made.backupId, '--from', join(out, 'hosted'), '--private-key-file', keyFile, '--json'];
    const { code, stdout, stderr } = await drill(args);
    assert.equal(code, 0, stdout + stderr);
    const { verdict, differences } = JSON.parse(stdout);
    assert.equal(verdict, 'passed');
    assert.match(differences.join('\n'), /does not have the extension pg_graphql, which is left out/);
  } finally {
    await project.drop();
  }
});

test('a store without weekly backups, and options that do not fit, are exit code 2', async () => {
  const from = ['--from', join(out, 'store'), '--private-key-file', keyFile];
  const none = await drill(['--weekly', ...from]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /no weekly backup/);
  const both = await drill(['--weekly', '--monthly', ...from]);
  assert.equal(both.code, 2);
  assert.match(both.stderr, /only one/);
});
