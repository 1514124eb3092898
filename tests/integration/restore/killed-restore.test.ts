/** kill -9 at any moment: the next call of the same command goes on, and nothing is lost or doubled. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import { PLATFORM, TRANSIENT } from '../../support/dumped-project.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { type CliResult, startScript } from '../../support/run-script.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup } from './restore-harness.ts';

const MAJOR = POSTGRES_MAJORS[0]!;
const TABLES = 1000;

let keys: Keyring;
let out: string;
let source: TestDatabase;
let backup: MadeBackup;
let keyFile: string;
const targets: TestDatabase[] = [];

async function fresh(): Promise<TestDatabase> {
  const target = await createTestDatabase({ major: MAJOR, template: 'supabase' });
  targets.push(target);
  return target;
}

/** Ends the process with SIGKILL when `moment` says so; its code is null when it was killed. */
async function restore(url: string, moment: () => Promise<boolean> = async () => false): Promise<CliResult> {
  const args = [backup.backupId, '--from', join(out, 'store'), '--private-key-file', keyFile, '--activate', '--json'];
  const { child, ended } = startScript('restore.ts', args, { RESTORE_TARGET_URL: url });
  const watch = setInterval(async () => {
    if (await moment().catch(() => false)) child.kill('SIGKILL');
  }, 10);
  return await ended.finally(() => clearInterval(watch));
}

before(async () => {
  keys = makeKeyring();
  out = temporaryDirectory();
  keyFile = join(out, 'private.asc');
  writeFileSync(keyFile, keys.gpg(['--armor', '--export-secret-keys']));
  source = await createTestDatabase({ major: MAJOR, template: 'demo' });
  const many = Array.from(
    { length: TABLES },
    (_, index) =>
      `create table many.t${index} (id integer primary key, note text); insert into many.t${index} select n, 'row ' || n from generate_series(1, 20) n;`,
  );
  await withSql(source.url, (sql) => sql.unsafe(`create schema many; ${many.join('\n')}`));
  backup = await makeBackup(source.url, { keys, out: join(out, 'store') });
});

after(async () => {
  await source.drop();
  for (const target of targets) await target.drop();
  keys.dispose();
  rmSync(out, { recursive: true, force: true });
});

test('a thousand tables, killed while rows are loaded, while constraints are built and validated, and again: all come back', async () => {
  const target = await fresh();
  const marks = (like: string, least: number) => () =>
    withSql(target.adminUrl, async (sql) => {
      const [row] = await sql`select count(*)::int as n from holdfast_restore.mark where step like ${like}`;
      return row!.n >= least;
    });
  const unvalidated = () =>
    withSql(target.adminUrl, async (sql) => {
      const [row] = await sql`select count(*)::int as n from pg_constraint where contype = 'f' and not convalidated`;
      return row!.n > 0;
    });
  for (const moment of [
    marks('pre-data', 1),
    marks('segment:%', 300),
    marks('segment:%', 700),
    marks('entry:%', 200),
    marks('entry:%', 900),
    unvalidated,
  ]) {
    const killed = await restore(target.url, moment);
    assert.equal(killed.code, null, `it was not killed: ${(killed.stdout + killed.stderr).slice(-500)}`);
  }
  const last = await restore(target.url);
  assert.equal(last.code, 0, last.stdout + last.stderr);
  const { identical, difference } = await comparePgDump(source.adminUrl, target.adminUrl, {
    rowOrder: 'ignored',
    excludeSchemas: PLATFORM,
    args: TRANSIENT,
  });
  assert.ok(identical, difference);
});
