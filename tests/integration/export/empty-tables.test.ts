/** Tables without rows: no object for those whose file is empty, and each comes back as it was. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import { makeBackup, restore } from '../restore/restore-harness.ts';
import { exportJson, run, withSql } from './export-harness.ts';
import { RoundTrip } from './round-trip-databases.ts';

const SCHEMA = `
  create table public.never_written (id integer generated always as identity primary key, note text);
  create table public.truncated (id integer primary key);
  insert into public.truncated select generate_series(1, 1000);
  truncate public.truncated;
  create table public.emptied (id integer primary key, parent integer references public.never_written);
  insert into public.emptied select generate_series(1, 1000);
  delete from public.emptied;
  create table public.without_columns ();
  create table public.parted (at date) partition by range (at);
  create table public.parted_2026 partition of public.parted for values from ('2026-01-01') to ('2027-01-01');
  create table public.filled (id integer primary key, note text);
  insert into public.filled values (1, null), (2, ''), (3, 'three');`;

let round: RoundTrip;
let source: string;

before(async () => {
  round = await RoundTrip.begin(17);
  source = await round.plainDatabase('source_of_empty', SCHEMA);
});
after(() => round.end());

function tablesOf(folder: string): Record<string, { rows: number; segments: number }> {
  const manifest = JSON.parse(readFileSync(join(round.out, folder, 'manifest.json'), 'utf8'));
  return Object.fromEntries(
    manifest.tables.map((table: { name: string; rows: number; segments: string[] }) => [
      table.name,
      { rows: table.rows, segments: table.segments.length },
    ]),
  );
}

test('a table whose file is empty is in the manifest and has no object', async () => {
  const backup = await makeBackup(source, round);
  assert.deepEqual(tablesOf(backup.folder), {
    emptied: { rows: 0, segments: 1 },
    filled: { rows: 3, segments: 1 },
    never_written: { rows: 0, segments: 0 },
    parted_2026: { rows: 0, segments: 0 },
    truncated: { rows: 0, segments: 0 },
    without_columns: { rows: 0, segments: 0 },
  });
});

test('restore.sh and backup:restore bring such a database back, and pg_dump sees no difference', async () => {
  const backup = await makeBackup(source, round);
  const [byShell, byCommand] = [
    await round.plainDatabase('empty_by_sh'),
    await round.plainDatabase('empty_by_command'),
  ];
  run('sh', ['restore.sh', byShell], { cwd: join(round.out, backup.folder), env: { GNUPGHOME: round.keys.home } });
  const report = await restore(backup, byCommand);
  assert.equal(report.status, 'completed');
  for (const target of [byShell, byCommand]) {
    const { identical, difference } = await comparePgDump(source, target, { rowOrder: 'ignored' });
    assert.ok(identical, difference);
  }
});

test('a restore that replaces tables empties the one that has rows since', async () => {
  const backup = await makeBackup(source, round);
  const target = await round.plainDatabase('empty_replaced', SCHEMA);
  await withSql(target, (sql) => sql`insert into public.truncated values (7)`);
  await restore(backup, target, { onConflict: 'replace', only: 'data' });
  const { identical, difference } = await comparePgDump(source, target, { rowOrder: 'ignored' });
  assert.ok(identical, difference);
});

for (const format of ['json', 'csv']) {
  test(`format ${format} has an object for every table: people read them`, async () => {
    const env = { DATABASE_URL: source, BACKUP_PGP_PUBLIC_KEYS: round.keys.publicKeys };
    const made = await exportJson(['--mode', 'full', '--format', format, '--out', round.out], env);
    for (const [name, { segments }] of Object.entries(tablesOf(made.folder))) assert.equal(segments, 1, name);
  });
}

test('a backup of nothing but empty tables is a backup', async () => {
  const env = { DATABASE_URL: source, BACKUP_PGP_PUBLIC_KEYS: round.keys.publicKeys };
  const made = await exportJson(
    ['--mode', 'on-demand', '--tables', 'never_written,truncated', '--out', round.out],
    env,
  );
  assert.equal(made.status, 'completed');
  assert.equal(made.rows, 0);
  run('sha256sum', ['--check', '--quiet', 'checksums.sha256'], { cwd: join(round.out, made.folder) });
});
