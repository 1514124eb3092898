/** A project that lost its database rebuilds its ledger from the store alone, and works with it. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { plainCipher } from '../../../supabase/functions/_shared/archive/cipher.ts';
import { createCodec } from '../../../supabase/functions/_shared/archive/codec.ts';
import { createSigner } from '../../../supabase/functions/_shared/archive/sign-manifest.ts';
import type { BackupMeans } from '../../../supabase/functions/_shared/backup/backup-settings.ts';
import { runTask, type WorkerContext } from '../../../supabase/functions/_shared/backup/run-task.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { Ledger } from '../../../supabase/functions/_shared/runs/ledger.ts';
import { listRuns } from '../../../supabase/functions/_shared/runs/list-runs.ts';
import { readRunDetail } from '../../../supabase/functions/_shared/runs/read-run-detail.ts';
import { readRunProgress } from '../../../supabase/functions/_shared/runs/read-run-progress.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { runScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, makeKeyring, run, temporaryDirectory } from '../export/export-harness.ts';

const SINGLE_CALL_BYTES = 64 * 1024 * 1024;
let database: TestDatabase;
let sql: Sql;
let out: string;
let means: BackupMeans;
/** Made by the worker, so that the ledger has what its finish task wrote. */
let workerBackup: string;
/** Made by the script, which keeps no ledger. */
let exported: { backup_id: string; folder: string };
let written: LedgerRows;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  out = temporaryDirectory();
  sql = openDriver(database.url, { max: 1, applicationName: 'catalogue tests' }) as unknown as Sql;
  await sql`select backup.configure('http://project.example/functions/v1')`;
  await sql`create table public.bookings as select i as id, md5(i::text) as guest from generate_series(1, 500) i`;
  await sql`analyze public.bookings`;
  const keys = makeKeyring();
  try {
    const secret = keys.gpg(['--armor', '--export-secret-keys']).toString();
    means = {
      platform: nodePlatform,
      databaseUrl: database.url,
      store: createDirectoryStore(out),
      cipher: plainCipher(),
      signing: () => createSigner(secret),
      codecFor: (name) => createCodec(name),
    };
  } finally {
    keys.dispose();
  }
  const request = { scope: 'full', cadence: 'pre-deployment', label: 'Feature/X', reason: 'before the import' };
  const [row] = await sql`select backup.start_run(${sql.json(request)}) as id`;
  workerBackup = row!.id;
  await drainTasks();
  written = await ledgerOf(workerBackup);
  const env = { DATABASE_URL: database.url };
  exported = await exportJson(['--mode', 'full', '--no-encrypt', '--out', out], env);
});

after(async () => {
  await sql?.end({ timeout: 5 });
  await database?.drop();
  if (out) rmSync(out, { recursive: true, force: true });
});

async function drainTasks(): Promise<void> {
  const context: WorkerContext = {
    ledger: new Ledger(sql),
    equip: async () => ({
      means,
      limits: { sliceBytes: SINGLE_CALL_BYTES, maxRowBytes: SINGLE_CALL_BYTES, singleCallBytes: SINGLE_CALL_BYTES },
    }),
    log: createLogger(() => {}),
  };
  while ((await runTask(context, 'test')) !== null);
}

interface LedgerRows {
  readonly log: Record<string, unknown>[];
  readonly segments: unknown[];
  readonly tables: unknown[];
}

/** Everything that the ledger says of a backup, in a fixed order. */
async function ledgerOf(backupId: string): Promise<LedgerRows> {
  const log = await sql`select * from public.backup_log where backup_id = ${backupId}`;
  const segments = await sql`
    select path, kind, schema_name, table_name, part, row_count, raw_bytes, stored_bytes, sha256, store_sha256
    from backup.segment where backup_id = ${backupId} order by path collate "C"`;
  const tables = await sql`
    select schema_name, table_name, slices from backup.run_table where backup_id = ${backupId}
    order by schema_name collate "C", table_name collate "C"`;
  return { log: [...log], segments: [...segments], tables: [...tables] };
}

async function emptyLedger(): Promise<void> {
  await sql`truncate public.backup_log, public.backup_verification, backup.segment, backup.run_table, backup.task`;
}

const catalogue = (args: readonly string[], env: Record<string, string> = {}) => runScript('catalogue.ts', args, env);

// biome-ignore lint/suspicious/noExplicitAny: the tests look at whatever they are about
async function catalogueJson(args: readonly string[], code = 0): Promise<any> {
  const result = await catalogue([...args, '--from', out, '--json'], { DATABASE_URL: database.url });
  assert.equal(result.code, code, result.stdout + result.stderr);
  assert.equal(result.stderr, '');
  return JSON.parse(result.stdout);
}

const byId = (rows: { backup_id: string }[]) => rows.map((row) => row.backup_id).sort();

test('a rebuilt backup has the rows that the finish task wrote', async () => {
  await emptyLedger();
  const looked = await catalogueJson(['rebuild', '--dry-run']);
  assert.deepEqual(byId(looked.added), [exported.backup_id, workerBackup].sort());
  assert.equal((await sql`select from public.backup_log`).length, 0, '--dry-run inserts nothing');

  const rebuilt = await catalogueJson(['rebuild']);
  assert.deepEqual(byId(rebuilt.added), [exported.backup_id, workerBackup].sort());
  const after = await ledgerOf(workerBackup);
  assert.deepEqual(after.segments, written.segments);
  assert.deepEqual(after.tables, written.tables);
  const was = { ...written.log[0] };
  const now = { ...after.log[0] };
  assert.deepEqual(now.request, { ...(was.request as object), format: 'copy', codec: 'zstd' });
  // The manifest has milliseconds.
  assert.equal(Number(now.started_at), Number(was.started_at));
  assert.ok(Math.abs(Number(now.completed_at) - Number(was.completed_at)) < 10_000);
  // What no manifest knows; docs/archive-format.md names it.
  for (const column of ['request', 'started_at', 'completed_at', 'created_at', 'estimated_bytes']) {
    assert.notEqual(now[column], null, column);
    delete was[column];
    delete now[column];
  }
  assert.deepEqual(now, was);
  assert.equal((await sql`select from public.backup_verification`).length, 0);
});

test('once more changes nothing, and what operators changed stays', async () => {
  await emptyLedger();
  await catalogueJson(['rebuild']);
  await sql`update public.backup_log set reason = 'mine' where backup_id = ${workerBackup}`;
  const before = [await ledgerOf(workerBackup), await ledgerOf(exported.backup_id)];
  const again = await catalogueJson(['rebuild']);
  assert.deepEqual(again.added, []);
  assert.equal(again.kept, 2);
  assert.deepEqual([await ledgerOf(workerBackup), await ledgerOf(exported.backup_id)], before);
});

test('two rebuilds at the same time insert each backup once', async () => {
  await emptyLedger();
  const both = await Promise.all([catalogueJson(['rebuild']), catalogueJson(['rebuild'])]);
  assert.equal(both[0].added.length + both[1].added.length, 2);
  assert.deepEqual((await ledgerOf(workerBackup)).segments, written.segments);
});

test('rebuilt backups are listed, shown and verified like any other', async () => {
  await emptyLedger();
  await catalogueJson(['rebuild']);
  const { runs } = await listRuns(sql, { filter: {}, limit: 10, after: null });
  assert.deepEqual(byId([...runs]), [exported.backup_id, workerBackup].sort());
  const narrowed = await listRuns(sql, { filter: { cadence: 'pre-deployment' }, limit: 10, after: null });
  assert.equal(narrowed.runs[0]!.label, 'Feature/X');
  assert.equal(narrowed.runs[0]!.scope, 'full');
  for (const id of [workerBackup, exported.backup_id]) {
    const progress = await readRunProgress(sql, id);
    assert.ok(progress.copied_rows > 0 && progress.tables.length > 0);
    assert.equal(progress.estimated_end, null);
    await sql`select backup.start_verification(${id}, 'deep', '[{"plan": true}]', null)`;
    await drainTasks();
    const detail = await readRunDetail(sql, id);
    assert.equal(detail.verification?.state, 'passed', JSON.stringify(detail.verification));
    assert.equal(detail.verification?.details.objects, detail.verification?.details.objects_hashed);
  }
});

test('a verification of a rebuilt backup finds what was changed since', async () => {
  await emptyLedger();
  await catalogueJson(['rebuild']);
  const path = join(out, exported.folder, 'RESTORE.md');
  const whole = readFileSync(path);
  writeFileSync(path, Buffer.concat([whole, Buffer.from('x')]));
  try {
    await sql`select backup.start_verification(${exported.backup_id}, 'quick', '[{"plan": true}]', null)`;
    await drainTasks();
    const detail = await readRunDetail(sql, exported.backup_id);
    assert.equal(detail.verification?.state, 'failed');
    assert.equal(detail.status, 'failed');
  } finally {
    writeFileSync(path, whole);
  }
});

test('a damaged manifest is reported with exit code 3, and the rest is rebuilt', async () => {
  const path = join(out, exported.folder, 'manifest.json');
  const whole = readFileSync(path);
  const other = readFileSync(join(out, String(written.log[0]!.folder), 'manifest.json'));
  const newer = whole.toString().replace('"major": 1', '"major": 9');
  for (const [bytes, code] of [
    [whole.subarray(0, 1000), 'MANIFEST_INVALID'],
    [Buffer.from(newer), 'MANIFEST_TOO_NEW'],
    [other, 'MANIFEST_INVALID'],
  ] as const) {
    writeFileSync(path, bytes);
    try {
      await emptyLedger();
      const rebuilt = await catalogueJson(['rebuild'], 3);
      assert.deepEqual(byId(rebuilt.added), [workerBackup]);
      assert.equal(rebuilt.damaged[0].folder, exported.folder);
      assert.equal(rebuilt.damaged[0].code, code);
      assert.deepEqual(rebuilt.gone, []);
      const listed = await catalogueJson(['list'], 3);
      assert.deepEqual(byId(listed.backups), [workerBackup]);
    } finally {
      writeFileSync(path, whole);
    }
  }
});

test('a row whose folder has no manifest any more is reported and left alone', async () => {
  await emptyLedger();
  await catalogueJson(['rebuild']);
  await sql`update public.backup_log set location = 's3://elsewhere' where backup_id = ${workerBackup}`;
  await sql`
    insert into public.backup_log (backup_id, backup_type, status, folder, location)
    values ('daily_20260114_020000_00000001', 'daily', 'completed', 'daily/2026-01-14/daily_20260114_020000_00000001', ${out}),
           ('daily_20260114_020000_00000002', 'daily', 'failed', 'daily/2026-01-14/daily_20260114_020000_00000002', ${out})`;
  const { code, stdout, stderr } = await catalogue(['rebuild', '--from', out], { DATABASE_URL: database.url });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /0 backups added to the ledger .*; 2 known before\n1 backup of other stores left alone/);
  assert.match(stderr, /daily_20260114_020000_00000001 is in the ledger, but .* has no manifest any more/);
  assert.doesNotMatch(stderr, /00000002/);
  assert.equal((await sql`select from public.backup_log`).length, 4);
});

test('list shows the newest first, filtered and limited, as jq reads them from the manifests', async () => {
  const all = await catalogueJson(['list']);
  assert.deepEqual(
    all.backups.map((backup: { backup_id: string }) => backup.backup_id),
    [exported.backup_id, workerBackup],
  );
  const manifest = join(out, exported.folder, 'manifest.json');
  const oracle = run('jq', ['-c', '[.totals.tables, .totals.rows, .totals.stored_bytes, .status]', manifest]);
  const [{ tables, rows, stored_bytes, status }] = all.backups;
  assert.deepEqual(JSON.parse(oracle.toString()), [tables, rows, stored_bytes, status]);
  assert.deepEqual(
    all.backups.map((backup: { signed: boolean }) => backup.signed),
    [false, true],
  );
  assert.deepEqual(byId((await catalogueJson(['list', '--cadence', 'manual'])).backups), [exported.backup_id]);
  assert.deepEqual((await catalogueJson(['list', '--since', '2999-01-01'])).backups, []);
  const one = await catalogueJson(['list', '--limit', '1']);
  assert.deepEqual(byId(one.backups), [exported.backup_id]);
  assert.equal(one.more, 1);
  const table = await catalogue(['list', '--from', out]);
  assert.equal(table.code, 0, table.stderr);
  assert.match(
    table.stdout,
    new RegExp(`${workerBackup} +pre-deployment +\\S+-feature-x .* nobody +yes *\n2 backups in `),
  );
});

test('show tells what the manifest says, and names a backup that is not there', async () => {
  const shown = await catalogueJson(['show', workerBackup]);
  assert.equal(shown.label, 'Feature/X');
  const sum = run('sha256sum', [join(out, shown.folder, 'manifest.json')])
    .toString()
    .slice(0, 64);
  assert.equal(shown.manifest_sha256, sum);
  assert.equal(shown.manifest_sha256, written.log[0]!.manifest_sha256);
  const text = await catalogue(['show', 'latest', '--from', out]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout, /public\.bookings +500 /);
  const missing = await catalogue(['show', 'daily_20260114_020000_00000001', '--from', out]);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /daily_20260114_020000_00000001 is not in/);
});

test('mistakes are named, all at once, and nothing is asked for that is not needed', async () => {
  const bad = await catalogue([
    'list',
    '--from',
    '/nowhere',
    '--since',
    '2026-02-31',
    '--limit',
    '0',
    '--cadence',
    'x',
  ]);
  assert.equal(bad.code, 2);
  assert.match(bad.stderr, /4 problems/);
  const none = await catalogue(['rebuild', '--from', out]);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /DATABASE_URL must be set/);
  assert.equal((await catalogue([])).code, 2);
  const help = await catalogue(['--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /Examples:/);
});

test('a database without Holdfast is told to apply the migrations', async () => {
  const empty = await createTestDatabase({ major: 17, template: 'supabase' });
  try {
    const { code, stderr } = await catalogue(['rebuild', '--from', out], { DATABASE_URL: empty.url });
    assert.equal(code, 2);
    assert.match(stderr, /the tables of Holdfast are not in this database\nhint: .*supabase db push/);
  } finally {
    await empty.drop();
  }
});
