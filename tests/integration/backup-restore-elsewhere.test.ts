/** Drills of a PostgreSQL 15 project on a second server, of version 17, that RESTORE_TEST_DATABASE_URL names. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import postgres from 'postgres';
import { dumpDigest } from '../../scripts/dev/oracle/dump-digest.ts';
import { createTestDatabase, type TestDatabase } from '../support/template-database.ts';
import { type DrillStack, startDrillStack } from './backup-restore-harness.ts';

let other: TestDatabase;
let drills: DrillStack;
let otherSql: postgres.Sql;

before(async () => {
  other = await createTestDatabase({ major: 17, template: 'supabase' });
  otherSql = postgres(other.adminUrl, { max: 1, onnotice: () => {} });
  drills = await startDrillStack({ rows: 300, pg: 15, env: { RESTORE_TEST_DATABASE_URL: other.url } });
});
after(async () => {
  await drills?.stop();
  await otherSql?.end();
  await other?.drop();
});

const scratchesThere = async () =>
  (await otherSql`select datname from pg_database where datname like 'holdfast\\_drill\\_%'`).map((row) => row.datname);

test('a backup is drilled on the other server, of a newer version; neither its database nor the own server is written to', async () => {
  const digestBefore = await dumpDigest(other.adminUrl);
  const backupId = await drills.backUp();
  const id = await drills.start({ backup_id: backupId });
  const seen = new Set<string>();
  const watch = setInterval(() => {
    void scratchesThere().then(([name]) => name && seen.add(name));
    void drills.scratches().then(([name]) => name && seen.add(`on the own server: ${name}`));
  }, 100);
  const drill = await drills.follow(id).finally(() => clearInterval(watch));
  assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
  assert.match(drill.report.target.server_version, /^17\./);
  assert.equal(drill.environment, 'a scratch database on the test server');
  const failed = drill.report.checks.filter((check: { verdict: string }) => check.verdict === 'failed');
  assert.deepEqual(failed, []);
  assert.equal(seen.size, 1, [...seen].join(', '));
  assert.match([...seen][0]!, /^holdfast_drill_[0-9a-f]{8}$/);
  assert.deepEqual(await scratchesThere(), []);
  assert.deepEqual(await dumpDigest(other.adminUrl), digestBefore);
});

test('an extension that neither live database has is made for the drill, because the backup needs it', async () => {
  await drills.sql.unsafe(`create extension citext; create table public.words (word citext primary key);
    insert into public.words values ('Wedding')`);
  const backupId = await drills.backUp();
  await drills.sql.unsafe('drop table public.words; drop extension citext');
  const drill = await drills.follow(await drills.start({ backup_id: backupId }));
  assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
  const tables = drill.report.tables as { table: string; rows: number }[];
  assert.equal(tables.find(({ table }) => table === 'public.words')?.rows, 1);
});

test('an extension that no second database can have is left out of the drill, and what does not need it passes', async () => {
  const admin = postgres(drills.stack.env.ADMIN_DATABASE_URL!, { max: 1, onnotice: () => {} });
  try {
    await admin`insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
      values (99999, 'pg_graphql', 10, 'extensions'::regnamespace, false, '1.5')`;
    const backupId = await drills.backUp();
    const drill = await drills.follow(await drills.start({ backup_id: backupId }));
    assert.equal(drill.status, 'passed', JSON.stringify(drill.errors));
    assert.match(drill.notes, /no extension pg_graphql/);
  } finally {
    await admin`delete from pg_extension where extname = 'pg_graphql'`;
    await admin.end();
  }
});

test('an extension that the server refuses makes the drill inconclusive, with the reason, and not failed', async () => {
  const admin = postgres(drills.stack.env.ADMIN_DATABASE_URL!, { max: 1, onnotice: () => {} });
  await admin.unsafe('create extension bloom');
  await drills.sql.unsafe('create table public.blooming (n int); create index on public.blooming using bloom (n)');
  const backupId = await drills.backUp();
  const drill = await drills.follow(await drills.start({ backup_id: backupId }));
  await admin.end();
  assert.equal(drill.status, 'inconclusive', JSON.stringify(drill.errors));
  assert.match(drill.notes, /no extension bloom: .*permission denied/);
  assert.equal(drill.errors[0].code, 'RESTORE_FAILED');
  assert.deepEqual(await scratchesThere(), []);
});
