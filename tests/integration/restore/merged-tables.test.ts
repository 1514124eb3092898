/** The platform's tables take the rows that they lack; what they have no room for is said, and is no success. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { TestDatabase } from '../../support/template-database.ts';
import { withSql } from '../export/export-harness.ts';
import { RoundTrip } from '../export/round-trip-databases.ts';
import { type MadeBackup, makeBackup, restore } from './restore-harness.ts';

const [FIRST, SECOND, OTHER] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`) as [
  string,
  string,
  string,
];
const user = (id: string, email: string) => `
  insert into auth.users (id, email) values ('${id}', '${email}');
  insert into auth.identities (id, provider_id, user_id, identity_data, provider) values ('${id}', '${id}', '${id}', '{}', 'email');`;

let round: RoundTrip;
let backup: MadeBackup;
let referring: MadeBackup;
let target: TestDatabase;

before(async () => {
  round = await RoundTrip.begin(17);
  const source = await round.database('supabase');
  const execute = (text: string) => withSql(source.adminUrl, (sql) => sql.unsafe(text));
  await execute(user(FIRST, 'x@example.org') + user(OTHER, 'y@example.org'));
  backup = await makeBackup(source.url, round);
  await withSql(source.url, (sql) =>
    sql.unsafe(`create table public.profiles (id uuid primary key references auth.users);
      insert into public.profiles values ('${FIRST}')`),
  );
  referring = await makeBackup(source.url, round);
});

beforeEach(async () => {
  target = await round.database('supabase');
  await withSql(target.adminUrl, (sql) => sql.unsafe(user(SECOND, 'x@example.org') + user(OTHER, 'y@example.org')));
});

after(() => round.end());

const forget = () => withSql(target.adminUrl, (sql) => sql`delete from auth.users where id = ${SECOND}`);
const orphans = () =>
  withSql(target.adminUrl, async (sql) => {
    const rows =
      await sql`select from auth.identities i where not exists (select from auth.users where id = i.user_id)`;
    return rows.length;
  });

const LEFT_OUT = 'auth.users: 1 row of the backup is not in, because the target has others with the same unique values';

test('a user whose e-mail somebody else has in the target by now is named, and the restore is no success', async () => {
  const report = await restore(backup, target.url);
  assert.equal(report.status, 'failed');
  assert.equal(report.error!.code, 'RESTORE_FAILED');
  assert.ok(report.error!.message.includes(LEFT_OUT), report.error!.message);
  const phase = report.phases.find(({ name }) => name === 'authentication')!;
  assert.deepEqual([phase.verdict, phase.detail], ['failed', LEFT_OUT]);
  assert.match(report.differences.join('\n'), /^auth\.users: 1 row .* restore with --tables auth\.users --data-only$/m);
  const { rows, kept } = report.tables.find(({ table }) => table === 'auth.users')!;
  assert.deepEqual([rows, kept], [0, 1], 'only what the target has by its key was there already');

  await forget();
  assert.equal(await orphans(), 1);
  const again = await restore(backup, target.url, { tables: ['auth.users'], only: 'data' });
  assert.equal(again.error, null);
  assert.equal(await orphans(), 0);
});

test('where keys of our own lead to that user, the same command goes on once there is room', async () => {
  const failed = await restore(referring, target.url);
  assert.match(failed.error!.message, /profiles_id_fkey/);
  assert.match(failed.differences.join('\n'), /^auth\.users: 1 row /m);
  const still = await restore(referring, target.url);
  assert.equal(still.status, 'failed');
  assert.match(still.differences.join('\n'), /^auth\.users: 1 row /m, 'the next attempt says so too');
  await forget();
  const report = await restore(referring, target.url);
  assert.equal(report.error, null);
  assert.equal(report.status, 'completed');
  assert.doesNotMatch(report.differences.join('\n'), /auth\.users/);
  const { rows, kept } = report.tables.find(({ table }) => table === 'auth.users')!;
  assert.deepEqual([rows, kept], [1, 1]);
  assert.equal(await orphans(), 0);
});

test('rows that the target has already are no failure', async () => {
  await forget();
  const report = await restore(backup, target.url);
  assert.equal(report.error, null);
  assert.ok(report.phases.every(({ verdict }) => verdict === 'passed'));
});

test('a row that nothing can refer to is named, and leaves the phase open, when the target has another in its place', async () => {
  await forget();
  await withSql(target.adminUrl, (sql) => sql`update auth.identities set id = ${SECOND} where user_id = ${OTHER}`);
  const report = await restore(backup, target.url);
  assert.equal(report.error, null);
  const { verdict, detail } = report.phases.find(({ name }) => name === 'authentication')!;
  assert.deepEqual([verdict, detail], ['inconclusive', LEFT_OUT.replace('auth.users', 'auth.identities')]);
  assert.match(report.differences.join('\n'), /^auth\.identities: 1 row (?!.*refers to nothing)/m);
});
