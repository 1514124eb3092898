/** `npm run backup:restore` as an operator runs it: a real database, a directory of backups, keys of gpg. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { runScript } from '../../support/run-script.ts';
import { createTestDatabase, type TemplateKind, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';

const MAJOR = POSTGRES_MAJORS[0]!;
const UNREACHABLE = 'postgres://me:very-secret@127.0.0.1:1/nothing';

let keys: Keyring;
let out: string;
let keyFile: string;
let backup: { directory: string; folder: string; backupId: string };
const databases: TestDatabase[] = [];

async function database(template: TemplateKind): Promise<TestDatabase> {
  const created = await createTestDatabase({ major: MAJOR, template });
  databases.push(created);
  return created;
}

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  keyFile = join(out, 'key.asc');
  writeFileSync(keyFile, keys.gpg(['--armor', '--export-secret-keys']));
  const directory = join(out, 'backups');
  const env = { DATABASE_URL: (await database('demo')).url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
  const made = await exportJson(['--mode', 'full', '--out', directory], env);
  backup = { directory, folder: made.folder, backupId: made.backup_id };
});

after(async () => {
  for (const created of databases) await created.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

/** The command on our directory of backups with our key. */
function restore(target: string, args: readonly string[], env: Record<string, string> = {}) {
  const all = ['latest', '--from', backup.directory, '--private-key-file', keyFile, ...args];
  return runScript('restore.ts', all, { RESTORE_TARGET_URL: target, ...env });
}

const tablesOf = (url: string) =>
  withSql(url, async (sql) => {
    const [row] = await sql`
      select count(*)::int as n from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where relkind in ('r', 'p') and nspname in ('public', 'backup')`;
    return row!.n as number;
  });

const bookingsOf = (url: string) =>
  withSql(url, async (sql) => (await sql`select count(*)::int as n from public.bookings`)[0]!.n as number);

test('a dry run prints the plan, for people and as JSON, and changes nothing', async () => {
  const target = await database('supabase');
  const before = await tablesOf(target.adminUrl);
  const text = await restore(target.url, ['--dry-run']);
  assert.equal(text.code, 0, text.stderr);
  assert.equal(text.stderr, '');
  assert.match(text.stdout, /^Nothing was restored \(--dry-run\)\. manual_\d{8}_\d{6}_[0-9a-f]{8} shows \d{4}-/);
  assert.match(text.stdout, /public\.bookings +\d +create and load +2,000/);
  const json = await restore(target.url, ['--dry-run', '--json', '--tables', 'bookings']);
  assert.equal(json.code, 0, json.stdout + json.stderr);
  const plan = JSON.parse(json.stdout);
  assert.equal(plan.dry_run, true);
  assert.deepEqual(
    plan.tables.map(({ schema, name, rows }: Record<string, unknown>) => [schema, name, rows]),
    [['public', 'bookings', 2000]],
  );
  assert.equal(await tablesOf(target.adminUrl), before);
});

test('a restore brings the rows, reports as JSON in one line, and writes every form of the report', async () => {
  const target = await database('supabase');
  const files = ['r.json', 'r.md', 'r.html'].map((name) => join(out, name));
  const { code, stdout, stderr } = await restore(target.url, [
    '--json',
    ...files.flatMap((file) => ['--report', file]),
  ]);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(stderr, '');
  assert.equal(stdout.trimEnd().split('\n').length, 1);
  const report = JSON.parse(stdout);
  assert.equal(report.status, 'completed');
  assert.equal(report.backup_id, backup.backupId);
  assert.equal(report.target.database, target.name);
  assert.equal(await bookingsOf(target.adminUrl), 2000);
  const bookings = report.tables.find(({ table }: { table: string }) => table === 'public.bookings');
  assert.deepEqual(bookings, { table: 'public.bookings', action: 'load', rows: 2000, kept: 0, state: 'restored' });
  assert.deepEqual(JSON.parse(readFileSync(files[0]!, 'utf8')), report);
  for (const file of files.slice(1)) assert.ok(readFileSync(file, 'utf8').includes('Restore completed'), file);
});

test('in safe mode the cron job is held back, and activate.ts schedules it from the report', async () => {
  const target = await database('supabase');
  const file = join(out, 'held.json');
  const restored = await restore(target.url, ['--report', file]);
  assert.equal(restored.code, 0, restored.stdout + restored.stderr);
  assert.match(restored.stdout, /✅ Restore completed: manual_/);
  assert.match(restored.stdout, /Measured recovery time: /);
  assert.match(restored.stdout, /Data loss: up to /);
  const jobs = () =>
    withSql(target.adminUrl, async (sql) =>
      (await sql`select jobname from cron.job where active order by 1`).map((row) => row.jobname as string),
    );
  assert.deepEqual(await jobs(), []);
  const env = { RESTORE_TARGET_URL: target.url };
  const listed = await runScript('activate.ts', ['--report', file, '--list'], env);
  assert.match(listed.stdout, /^cron-job:refresh-monthly-revenue/m);
  const activated = await runScript('activate.ts', ['--report', file, '--yes'], env);
  assert.equal(activated.code, 0, activated.stdout + activated.stderr);
  assert.ok((await jobs()).includes('refresh-monthly-revenue'));
});

test('a local archive is called by its own path, not by where it was unpacked', async () => {
  const env = { DATABASE_URL: databases[0]!.url, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
  const made = await runScript('export-critical-data.ts', ['--mode', 'full', '--archive', out, '--json'], env);
  assert.equal(made.code, 0, made.stderr);
  const path = readdirSync(out).find((name) => name.endsWith('.tar.gz'))!;
  const target = await database('supabase');
  const dry = await runScript('restore.ts', [join(out, path), '--dry-run', '--private-key-file', keyFile], {
    RESTORE_TARGET_URL: target.url,
  });
  assert.equal(dry.code, 0, dry.stdout + dry.stderr);
  assert.ok(dry.stdout.includes(`\nfrom ${join(out, path)}\n`), dry.stdout.slice(0, 400));
});

test('tables that exist are exit code 2, named, and left alone; the dry run shows them in the plan', async () => {
  const target = await database('demo');
  await withSql(target.adminUrl, (sql) => sql`delete from public.booking_payments`);
  const refused = await restore(target.url, ['--json']);
  assert.equal(refused.code, 2, refused.stdout + refused.stderr);
  const { error } = JSON.parse(refused.stdout);
  assert.equal(error.code, 'RESTORE_CONFLICT');
  assert.ok(error.details.tables.includes('public.bookings'));
  const dry = await restore(target.url, ['--dry-run']);
  assert.equal(dry.code, 2, dry.stderr);
  assert.match(dry.stdout, /public\.bookings +\d +in the way/);
  const rows = await withSql(target.adminUrl, (sql) => sql`select count(*)::int as n from public.booking_payments`);
  assert.equal(rows[0]!.n, 0);
});

test('replacing needs --yes where nobody can be asked, and does it with --yes', async () => {
  const target = await database('demo');
  await withSql(target.adminUrl, (sql) => sql`delete from public.booking_payments`);
  const args = ['--tables', 'booking_payments', '--data-only', '--on-conflict', 'replace'];
  const refused = await restore(target.url, args);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /needs --yes/);
  const done = await restore(target.url, [...args, '--yes', '--json']);
  assert.equal(done.code, 0, done.stdout + done.stderr);
  const rows = await withSql(target.adminUrl, (sql) => sql`select count(*)::int as n from public.booking_payments`);
  assert.ok((rows[0]!.n as number) > 0);
});

test('a key that does not fit, a key that is none, and no key at all end before the target is touched', async () => {
  const other = makeKeyring('Other <other@example.com>');
  try {
    const otherFile = join(out, 'other.asc');
    writeFileSync(otherFile, other.gpg(['--armor', '--export-secret-keys']));
    const base = ['latest', '--from', backup.directory, '--target', UNREACHABLE, '--json'];
    const codeOf = async (args: string[]) => {
      const result = await runScript('restore.ts', [...base, ...args], {});
      return [result.code, JSON.parse(result.stdout).error.code];
    };
    assert.deepEqual(await codeOf(['--private-key-file', otherFile]), [5, 'DECRYPTION_FAILED']);
    assert.deepEqual(await codeOf(['--private-key-file', join(backup.directory, backup.folder, 'RESTORE.md')]), [
      2,
      'CONFIG_INVALID',
    ]);
    assert.deepEqual(await codeOf([]), [2, 'KEY_UNUSABLE']);
  } finally {
    other.dispose();
  }
});

test('a target that nobody answers for is exit code 4, without its password, and leaves no report', async () => {
  const file = join(out, 'none.json');
  const { code, stdout, stderr } = await restore(UNREACHABLE, ['--report', file]);
  assert.equal(code, 4, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr.includes('very-secret'), false);
  assert.equal(existsSync(file), false);
});

test('a folder of this machine is restored by its path, and a folder without a manifest is refused', async () => {
  const target = await database('supabase');
  const path = join(backup.directory, backup.folder);
  const env = { RESTORE_TARGET_URL: target.url };
  const args = ['--private-key-file', keyFile, '--dry-run', '--json'];
  const found = await runScript('restore.ts', [path, ...args], env);
  assert.equal(found.code, 0, found.stdout + found.stderr);
  assert.equal(JSON.parse(found.stdout).backup_id, backup.backupId);
  const refused = await runScript('restore.ts', [join(path, 'tables'), ...args], env);
  assert.equal(refused.code, 2);
  assert.match(JSON.parse(refused.stdout).error.message, /must have a manifest\.json/);
});
