/** Many tables, and one value that is larger than all the memory that the export may take. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import {
  exportJson,
  filesIn,
  type Keyring,
  makeKeyring,
  run,
  startExport,
  temporaryDirectory,
  withSql,
} from './export-harness.ts';

const VALUE_BYTES = 200_000_000;
const TABLES = 1000;
/** An export of a few rows takes 200 MB; a value of 200 MB in one piece would be seen. */
const MAX_RSS_KB = 330_000;

let keys: Keyring;
let out: string;
let database: TestDatabase;

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  database = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
});

after(async () => {
  await database.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

test('a value of 200 MB passes in bounded memory', { timeout: 180_000 }, async () => {
  await withSql(database.adminUrl, async (sql) => {
    await sql`create table huge (id int, content text)`;
    await sql`alter table huge alter content set storage external`;
    await sql`insert into huge select 1, string_agg(md5(i::text), '') from generate_series(1, ${VALUE_BYTES / 32}) i`;
  });
  const env = { DATABASE_URL: database.adminUrl, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
  const { child, ended } = startExport(['--mode', 'on-demand', '--tables', 'huge', '--out', out, '--json'], env);
  let peakKb = 0;
  while (child.exitCode === null) {
    peakKb = Math.max(peakKb, peakMemoryKb(child.pid!));
    await sleep(50);
  }
  const { code, stdout } = await ended;
  assert.equal(code, 0, stdout);
  assert.ok(peakKb > 50_000 && peakKb < MAX_RSS_KB, `${peakKb} kB`);
  const folder = join(out, JSON.parse(stdout).folder, 'tables');
  const [segment] = filesIn(folder);
  const text = run('zstd', ['-dc'], { input: keys.gpg(['--decrypt', join(folder, segment!)]) });
  const [row] = await withSql(database.adminUrl, (sql) => sql`select md5(content) as hash from huge`);
  assert.equal(createHash('md5').update(text.subarray(2, -1)).digest('hex'), row!.hash);
  await withSql(database.adminUrl, (sql) => sql`drop table huge`);
});

function peakMemoryKb(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0; // ended between the look at it and this
  }
}

test('a thousand tables', { timeout: 180_000 }, async () => {
  await withSql(database.adminUrl, (sql) =>
    sql.unsafe(`do $$ begin for i in 1..${TABLES} loop
      execute format('create table t%s (id int primary key, note text)', i);
      execute format('insert into t%s select n, ''note '' || n from generate_series(1, %s) n', i, i % 5);
    end loop; end $$`),
  );
  const env = { DATABASE_URL: database.adminUrl, BACKUP_PGP_PUBLIC_KEYS: keys.publicKeys };
  const made = await exportJson(['--mode', 'full', '--out', out], env);
  assert.equal(made.tables, TABLES);
  assert.equal(made.rows, (TABLES / 5) * (0 + 1 + 2 + 3 + 4));
  run('sha256sum', ['--check', '--quiet', 'checksums.sha256'], { cwd: join(out, made.folder) });
});
