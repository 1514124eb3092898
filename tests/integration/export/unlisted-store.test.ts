/** The look for unfinished exports is advice: whatever becomes of it, a verified backup stays and is reported. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, test } from 'node:test';
import { parseExportOptions } from '../../../scripts/cli/export-options.ts';
import { makeExport } from '../../../scripts/cli/make-export.ts';
import { exportDatabase } from '../../../supabase/functions/_shared/backup/export/export-database.ts';
import type { ExportEvent } from '../../../supabase/functions/_shared/backup/export/export-job.ts';
import { STORE_ERRORS } from '../../../supabase/functions/_shared/errors/store.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import type { ObjectInfo, Store } from '../../../supabase/functions/_shared/stores/store.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { exportJson, run, temporaryDirectory, withSql } from './export-harness.ts';
import { FULL_EXPORT, keysOf, plainMeans } from './export-in-process.ts';

let database: TestDatabase;

before(async () => {
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
  await withSql(database.adminUrl, (sql) => sql`create table t as select generate_series(1, 10) as i`);
});

after(() => database.drop());

/** Lists the folder of one backup as ever, and everything else by `answer`. */
function listing(store: Store, answer: () => AsyncIterable<ObjectInfo>): Store {
  return { ...store, list: (prefix) => (/\/manual_/.test(prefix) ? store.list(prefix) : answer()) };
}

function neverAnswers(): AsyncIterable<ObjectInfo> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
}

async function hasManifest(store: Store): Promise<boolean> {
  return (await keysOf(store)).some((key) => key.endsWith('/manifest.json'));
}

test('a store that cannot be listed makes a warning, not a failure', async () => {
  const store = createMemoryStore();
  // biome-ignore lint/correctness/useYield: it fails before it has anything
  const refusing = listing(store, async function* () {
    throw STORE_ERRORS.STORE_DENIED("cannot list '/mnt/disk': EACCES");
  });
  const made = await exportDatabase(plainMeans(database.adminUrl, refusing), FULL_EXPORT);
  assert.equal(made.status, 'completed');
  assert.deepEqual(made.warnings, ["could not look for unfinished exports: cannot list '/mnt/disk': EACCES"]);
  assert.ok(await hasManifest(store));
});

test('an interrupt after the backup is verified gives up the look alone', async () => {
  const store = createMemoryStore();
  const controller = new AbortController();
  const events: ExportEvent['type'][] = [];
  const made = await exportDatabase(plainMeans(database.adminUrl, listing(store, neverAnswers)), {
    ...FULL_EXPORT,
    signal: controller.signal,
    onEvent: ({ type }) => {
      events.push(type);
      if (type === 'completed') controller.abort();
    },
  });
  assert.deepEqual(made.warnings, ['could not look for unfinished exports: interrupted']);
  assert.ok(!events.includes('cleaning'));
  assert.ok(await hasManifest(store));
});

test('an interrupt just before that takes everything away', async () => {
  const store = createMemoryStore();
  const controller = new AbortController();
  const making = exportDatabase(plainMeans(database.adminUrl, listing(store, neverAnswers)), {
    ...FULL_EXPORT,
    signal: controller.signal,
    onEvent: ({ type }) => {
      if (type === 'verified') controller.abort();
    },
  });
  await assert.rejects(making, { code: 'EXPORT_INTERRUPTED' });
  assert.deepEqual(await keysOf(store), []);
});

test('the script says that a late interrupt leaves the backup, and ends with 0', { timeout: 180_000 }, async () => {
  const store = createMemoryStore();
  let printed = '';
  let report = '';
  const parsed = parseExportOptions({ mode: 'full', encrypt: false });
  assert.ok('options' in parsed);
  // The progress shows what the script waits for; the interrupt comes then.
  const stderr = {
    isTTY: true,
    columns: 120,
    on() {},
    write(text: string) {
      const waiting = /listing the store/;
      if (waiting.test(text) && !waiting.test(printed)) setImmediate(() => process.emit('SIGINT', 'SIGINT'));
      printed += text;
    },
  };
  const code = await makeExport({
    options: parsed.options,
    means: plainMeans(database.adminUrl, listing(store, neverAnswers)),
    warnings: [],
    json: false,
    terminal: {
      stderr,
      stdout: {
        write(text: string) {
          report += text;
        },
      },
    },
  });
  assert.equal(code, 0);
  assert.match(printed, /SIGINT: the backup is complete and stays\n/);
  assert.doesNotMatch(printed, /removing/);
  assert.match(printed, /could not look for unfinished exports: interrupted/);
  assert.match(report, /backup completed/);
  assert.ok(await hasManifest(store));
});

test('folders beside ours that cannot be read, such as lost+found, are passed over', async (t) => {
  const out = temporaryDirectory();
  t.after(() => run('rm', ['-rf', out]));
  // Unreadable for every account, root too: a path that is too long to be opened.
  run('mkdir', ['-p', join('lost+found', ...Array.from({ length: 20 }, () => 'x'.repeat(250)))], { cwd: out });
  await assert.rejects(keysOf(createDirectoryStore(out)), 'the folder is one that stops a listing');
  const left = 'manual/20260101/manual_20260101_000000_00000000';
  mkdirSync(join(out, left, 'tables'), { recursive: true });
  run('touch', [join(out, left, 'tables/t')]);

  const made = await exportJson(['--mode', 'full', '--no-encrypt', '--out', out], { DATABASE_URL: database.adminUrl });
  assert.equal(made.warnings.length, 1);
  assert.match(made.warnings[0], /1 folder without a manifest in this store/);
  const shown = await exportJson(['--clean-unfinished', '--out', out], {});
  assert.deepEqual(
    shown.unfinished.map(({ folder }: { folder: string }) => folder),
    [left],
  );
});
