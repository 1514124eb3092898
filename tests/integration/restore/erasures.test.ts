/** Erase people, restore an older backup: they stay erased, in rows, file rows and auth, by the scripts as operators run them. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createSigner } from '../../../supabase/functions/_shared/archive/sign-manifest.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { runScript } from '../../support/run-script.ts';
import { installSubjectTruthSet, truthUser } from '../../support/subject-truth-set.ts';
import { createTestDatabase, type TemplateKind, type TestDatabase } from '../../support/template-database.ts';
import { allRows, eraseNow, tracesOf, unblockTruthSet } from '../account/erase-harness.ts';
import { type Account, startAccount } from '../account/export-harness.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup } from './restore-harness.ts';

const ERASED = [1, 2, 3, 24].map(truthUser);
const TEXTS = ERASED.flatMap(({ id, email }) => [id, `"${email}"`]);

let keys: Keyring;
let out: string;
let stores: string;
let account: Account;
let backup: MadeBackup;
let ids: string[];
let privateKey: string;
let publicKey: string;
const databases: TestDatabase[] = [];

async function target(template: TemplateKind = 'supabase'): Promise<TestDatabase> {
  const created = await createTestDatabase({ major: 17, template });
  databases.push(created);
  return created;
}

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  stores = join(out, 'store');
  privateKey = join(out, 'private.asc');
  publicKey = join(out, 'public.asc');
  const secret = keys.gpg(['--armor', '--export-secret-keys']).toString();
  writeFileSync(privateKey, secret);
  writeFileSync(publicKey, keys.publicKeys);
  account = await startAccount({ store: createDirectoryStore(stores) });
  Object.assign(account.means, { signer: () => createSigner(secret) });
  await installSubjectTruthSet(account.database.url);
  await unblockTruthSet(account.sql as never);
  backup = await makeBackup(account.database.url, { keys, out: stores });
  ids = [];
  for (const { id } of ERASED) ids.push(await eraseNow(account.means, id));
});

after(async () => {
  for (const created of databases) await created.drop();
  await account.close();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

function restore(url: string, args: readonly string[] = [], from = stores) {
  const all = [backup.backupId, '--from', from, '--private-key-file', privateKey, '--json', ...args];
  return runScript('restore.ts', all, { RESTORE_TARGET_URL: url });
}

const erasuresOf = (stdout: string) =>
  JSON.parse(stdout).checks.find(({ name }: { name: string }) => name === 'erasures');

/** A copy of the store whose ledger may be spoilt. */
function copyOfStore(name: string): { path: string; entry(at: number): string } {
  const path = join(out, name);
  cpSync(stores, path, { recursive: true });
  const year = join(path, 'erasures', readdirSync(join(path, 'erasures'))[0]!);
  return { path, entry: (at) => join(year, `${ids[at]}.json`) };
}

test('an older backup brings nobody back: no row, no file row, no account; everybody else is as in the living database', async () => {
  const database = await target();
  const { code, stdout, stderr } = await restore(database.url);
  assert.equal(code, 0, stdout + stderr);
  const check = erasuresOf(stdout);
  assert.equal(check.verdict, 'passed', JSON.stringify(check));
  for (const id of ids)
    assert.ok(
      check.findings.some((text: string) => text.includes(id)),
      id,
    );
  assert.match(check.detail, /^4 erasures of .* were applied: 4 people were in the backup/);
  await withSql(database.adminUrl, async (sql) => {
    assert.deepEqual(await tracesOf(sql as never, TEXTS), []);
    const [living, restored] = [await allRows(account.admin), await allRows(sql as never)];
    for (const [table, rows] of living) assert.deepEqual(restored.get(table), rows, table);
    const [files] = await sql`select count(*)::int as n from storage.objects`;
    const [there] = await account.admin`select count(*)::int as n from storage.objects`;
    assert.equal(files!.n, there!.n);
    const ledger = await sql`select erasure_id, state, subject_id from backup.erasure order by position`;
    assert.deepEqual(
      ledger.map((row) => [row.erasure_id, row.state, row.subject_id]),
      ids.map((id) => [id, 'completed', null]),
    );
  });
});

test('a drill compares with the backup and then erases again, and passes', async () => {
  const args = [
    '--backup',
    backup.backupId,
    '--from',
    stores,
    '--private-key-file',
    privateKey,
    '--verify-key-file',
    publicKey,
    '--json',
    '--no-record',
  ];
  const unsigned = await runScript('test-backup-restore.ts', args, {});
  // The export command was given no signing key: with a key to check with, its manifest is refused.
  assert.equal(unsigned.code, 5, unsigned.stdout);
  const { code, stdout, stderr } = await runScript(
    'test-backup-restore.ts',
    args.filter((arg) => arg !== '--verify-key-file' && arg !== publicKey),
    {},
  );
  const report = JSON.parse(stdout);
  assert.deepEqual(
    report.checks.filter(({ verdict }: { verdict: string }) => verdict === 'failed'),
    [],
    stderr,
  );
  assert.equal(code, 0, stdout + stderr);
  const check = report.checks.at(-1);
  assert.deepEqual([check.name, check.verdict], ['erasures', 'passed']);
  assert.equal(check.findings.length, 4);
  assert.equal(report.checks.find(({ name }: { name: string }) => name === 'row-counts').verdict, 'passed');
});

test('a changed entry is named and the restore refuses; told to go on, it does, and says what it could not apply', async () => {
  const copy = copyOfStore('tampered');
  const text = readFileSync(copy.entry(1), 'utf8');
  writeFileSync(copy.entry(1), text.replace('"delete"', '"keep"'));
  const database = await target();
  const refused = await restore(database.url, [], copy.path);
  assert.equal(refused.code, 5, refused.stdout);
  const { error } = JSON.parse(refused.stdout);
  assert.equal(error.code, 'LEDGER_DAMAGED');
  assert.ok(error.message.includes(ids[1]!), error.message);
  const left = await withSql(database.adminUrl, (sql) => sql`select to_regclass('public.profiles') is null as empty`);
  assert.equal(left[0]!.empty, true, 'nothing was written');
  const told = await restore(database.url, ['--allow-damaged-erasures'], copy.path);
  assert.equal(told.code, 0, told.stdout + told.stderr);
  const check = erasuresOf(told.stdout);
  assert.equal(check.verdict, 'inconclusive');
  assert.ok(check.findings.some((finding: string) => finding.startsWith('left out: ') && finding.includes(ids[1]!)));
  await withSql(database.adminUrl, async (sql) => {
    assert.deepEqual(await tracesOf(sql as never, [ERASED[0]!.id, ERASED[2]!.id, ERASED[3]!.id]), []);
    const [row] = await sql`select count(*)::int as n from auth.users where id = ${ERASED[1]!.id}`;
    assert.equal(row!.n, 1);
  });
});

test('a rewritten entry with a right digest breaks the chain, and with a key its signature', async () => {
  const copy = copyOfStore('rewritten');
  const { entryText, parseEntry } = await import('../../../supabase/functions/_shared/archive/erasure-entry-file.ts');
  const entry = parseEntry(readFileSync(copy.entry(0), 'utf8'));
  writeFileSync(copy.entry(0), entryText({ ...entry, actions: [] }));
  const database = await target();
  const chain = await restore(database.url, [], copy.path);
  assert.equal(chain.code, 5, chain.stdout);
  assert.match(JSON.parse(chain.stdout).error.message, new RegExp(`${ids[0]}\\.json is not the one that`));
  const { readErasureLedger } = await import('../../../supabase/functions/_shared/archive/read-erasure-ledger.ts');
  const good = await readErasureLedger(createDirectoryStore(stores), { verificationKeys: keys.publicKeys });
  assert.deepEqual([good.problems, good.entries.length], [[], 4]);
  const bad = await readErasureLedger(createDirectoryStore(copy.path), { verificationKeys: keys.publicKeys });
  assert.ok(
    bad.problems.some((problem) => problem.includes(ids[0]!) && problem.includes('signature')),
    bad.problems.join('; '),
  );
  keys.gpg([
    '--verify',
    `${join(stores, 'erasures', good.entries[0]!.key.split('/')[1]!, `${ids[0]}.json`)}.sig`,
    join(stores, good.entries[0]!.key),
  ]);
});

test('a lost entry leaves a gap that is named', async () => {
  const copy = copyOfStore('lost');
  rmSync(copy.entry(2));
  const database = await target();
  const { code, stdout } = await restore(database.url, [], copy.path);
  assert.equal(code, 5, stdout);
  const { message } = JSON.parse(stdout).error;
  assert.match(message, /entry 3 of the ledger is missing or damaged/);
  assert.ok(message.includes(ids[2]!), 'its signature is still there');
});

test('without a ledger the report says that nobody knows; a directory given to it makes it certain', async () => {
  const copy = copyOfStore('without');
  const away = join(out, 'ledger-elsewhere');
  renameSync(join(copy.path, 'erasures'), away);
  const database = await target();
  const { code, stdout } = await restore(database.url, [], copy.path);
  assert.equal(code, 0, stdout);
  const check = erasuresOf(stdout);
  assert.equal(check.verdict, 'inconclusive');
  assert.match(
    check.detail,
    /there is no erasure ledger in .*people who were erased after the backup may be in this database/,
  );
  const left = await restore((await target()).url, ['--erasures', 'none']);
  assert.match(erasuresOf(left.stdout).detail, /left out on request \(--erasures none\)/);
  const given = await target();
  const known = await restore(given.url, ['--erasures', away], copy.path);
  assert.equal(erasuresOf(known.stdout).verdict, 'passed', known.stdout);
  await withSql(given.adminUrl, async (sql) => assert.deepEqual(await tracesOf(sql as never, TEXTS), []));
});

test('a single table into a renamed schema comes without them', async () => {
  const database = await target();
  const { code, stdout, stderr } = await restore(database.url, [
    '--tables',
    'usage_events',
    '--rename-schema',
    'public:rescued',
  ]);
  assert.equal(code, 0, stdout + stderr);
  await withSql(database.adminUrl, async (sql) => {
    const [row] = await sql`
      select count(*)::int as n, count(*) filter (where user_id = any (${ERASED.map(({ id }) => id)}::uuid[]))::int as erased
      from rescued.usage_events`;
    assert.equal(row!.erased, 0);
    const [living] = await account.admin`select count(*)::int as n from public.usage_events`;
    assert.equal(row!.n, living!.n);
  });
});

test('a single table whose path leads through one that did not come is restored, and its uncertainty is said', async () => {
  const database = await target();
  const { stdout } = await restore(database.url, ['--tables', 'business_hours', '--rename-schema', 'public:rescued']);
  const check = erasuresOf(stdout);
  assert.equal(check.verdict, 'inconclusive', stdout);
  assert.ok(
    check.findings.some((finding: string) => finding.includes('public.businesses')),
    JSON.stringify(check),
  );
});

test('rows restored into a living database do not bring them back', async () => {
  const rows = await account.admin`select count(*)::int as n from public.usage_events`;
  const { code, stdout, stderr } = await restore(account.database.url, [
    '--tables',
    'usage_events',
    '--data-only',
    '--on-conflict',
    'replace',
    '--yes',
  ]);
  assert.equal(code, 0, stdout + stderr);
  assert.equal(erasuresOf(stdout).verdict, 'passed');
  const now = await account.admin`select count(*)::int as n from public.usage_events`;
  assert.equal(now[0]!.n, rows[0]!.n);
  assert.deepEqual(await tracesOf(account.admin, TEXTS), []);
});

test('an entry that the store has lost and the database knows is applied all the same, and named', async () => {
  const copy = copyOfStore('tail');
  rmSync(copy.entry(3));
  rmSync(`${copy.entry(3)}.sig`);
  const args = ['--tables', 'usage_events', '--data-only', '--on-conflict', 'replace', '--yes'];
  const { code, stdout, stderr } = await restore(account.database.url, args, copy.path);
  assert.equal(code, 0, stdout + stderr);
  const check = erasuresOf(stdout);
  assert.equal(check.verdict, 'inconclusive', JSON.stringify(check));
  assert.ok(
    check.findings.some((finding: string) => finding.includes(ids[3]!) && finding.includes('in this database')),
  );
  assert.deepEqual(await tracesOf(account.admin, TEXTS), []);
});
