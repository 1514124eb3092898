/** Each planted defect is found by the right check and by name, and no other check fails. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import type { CheckContext } from '../../../supabase/functions/_shared/restore/contracts.ts';
import type { TestDatabase } from '../../support/template-database.ts';
import { withSql } from '../export/export-harness.ts';
import { type Backup, check, makeBackup } from './checks-harness.ts';
import { assertFound, checkBroken, type Plant, standIn } from './stand-in.ts';

let backup: Backup;
let source: TestDatabase;

before(async () => {
  source = await standIn();
  backup = await makeBackup(source.url);
});

after(() => source.drop());

const broken = (plant: Plant, context?: Partial<CheckContext>) => checkBroken(backup, plant, context);
const finds = (names: string[], finding: RegExp, plant: Plant) => assertFound(backup, names, finding, plant);

test('a dropped row is found by the counts and by the content', () =>
  finds(['row-counts', 'content'], /public\.login_history has \d+ rows, the backup has \d+/, async (sql) => {
    await sql`delete from public.login_history where ctid = (select min(ctid) from public.login_history)`;
  }));

test('a changed value is found by the content', () =>
  finds(['content'], /public\.bookings differs from the backup: 2000 rows as there, with other values/, async (sql) => {
    await sql.unsafe(`set session_replication_role = replica;
      update public.bookings set customer_name = customer_name || '.' where booking_number = 77`);
  }));

test('NULL in place of an empty text is found by the content', () =>
  finds(['content'], /public\.no_key differs/, (sql) => sql`update public.no_key set b = null where b = ''`));

test('a doubled row in place of another, in a table without a key, is found by the content', () =>
  finds(['content'], /public\.no_key differs from the backup: 4 rows as there/, (sql) =>
    sql.unsafe(`delete from public.no_key where a = 3; insert into public.no_key values (1, '')`),
  ));

test('a missing table is found by name', () =>
  finds(
    ['row-counts', 'content', 'functions'],
    /public\.no_key does not exist/,
    (sql) => sql`drop table public.no_key`,
  ));

test('a reference to nothing is found by the foreign keys', () =>
  finds(
    ['row-counts', 'content', 'foreign-keys'],
    /public\.user_security_settings has \d+ rows, the backup has only/,
    async (sql) => {
      await sql.unsafe(`set session_replication_role = replica;
        insert into public.user_security_settings (user_id) values ('11111111-1111-4111-8111-111111111111')`);
    },
  ));

test('foreign keys follow MATCH SIMPLE and MATCH FULL over several columns', async () => {
  const results = await broken((sql) =>
    sql.unsafe(`set session_replication_role = replica;
      update public.visits set country = 'xx', code = 1, code_full = null where id = 1;
      update public.visits set country_full = 'pt', code_full = 7 where id = 2`),
  );
  const { verdict, findings } = results.get('foreign-keys')!;
  assert.equal(verdict, 'failed');
  assert.deepEqual([...findings].sort(), [
    'visits_full of public.visits has 2 rows that refer to nothing',
    'visits_simple of public.visits has 1 rows that refer to nothing',
  ]);
});

const UNVALIDATED = `
  alter table public.visits drop constraint visits_simple;
  alter table public.visits add constraint visits_simple foreign key (country, code) references public.places not valid;`;
const ORPHAN: Plant = (sql) =>
  sql.unsafe(`set session_replication_role = replica;
    update public.visits set country = 'xx', code = 1 where id = 1; ${UNVALIDATED}`);

test('a foreign key that is gone is found, and one that is not validated though the backup has it so', async () => {
  const results = await broken(async (sql) => {
    await sql`alter table public.visits drop constraint visits_full`;
    await ORPHAN(sql);
  });
  const { verdict, findings } = results.get('foreign-keys')!;
  assert.equal(verdict, 'failed');
  assert.match(findings[0]!, /^fk constraint visits visits_full of schema public is in the backup and not in/);
  assert.deepEqual(findings.slice(1), [
    'visits_simple of public.visits is not validated, in the backup it is',
    'visits_simple of public.visits has 1 rows that refer to nothing',
  ]);
});

test('a key that is not validated is found also where every reference leads to a row', () =>
  finds(['foreign-keys'], /^visits_simple of public\.visits is not validated, in the backup it is$/m, (sql) =>
    sql.unsafe(UNVALIDATED),
  ));

test('of a key that the source never validated, orphans are an open question', async () => {
  const unproved = await standIn();
  try {
    await withSql(unproved.adminUrl, ORPHAN);
    const results = await checkBroken(await makeBackup(unproved.url), ORPHAN);
    const { verdict, findings } = results.get('foreign-keys')!;
    assert.equal(verdict, 'inconclusive');
    assert.match(
      findings.join('\n'),
      /^visits_simple of public\.visits is not valid and has 1 rows that refer to nothing/,
    );
  } finally {
    await unproved.drop();
  }
});

test('a lagging sequence is found, ascending and descending, and one at its very end is not', async () => {
  await finds(['sequences'], /public\.user_roles_id_seq is at 1, public\.user_roles\.id is at \d+ already/, (sql) =>
    sql.unsafe(`select setval('public.user_roles_id_seq', 1); select setval('public.visits_id_seq', 4, false)`),
  );
  await finds(['sequences'], /public\.countdown_id_seq is at -1, public\.countdown\.id is at -2 already/, (sql) =>
    sql.unsafe(`select setval('public.countdown_id_seq', -1)`),
  );
  await finds(['sequences'], /public\.visits_id_seq is at 3, /, (sql) =>
    sql.unsafe(`select setval('public.visits_id_seq', 3, false)`),
  );
});

test('an index that is not valid is found, and the constraint that rests on it', async () => {
  await finds(['indexes'], /bookings_open_idx of public\.bookings is not valid/, (sql) =>
    sql.unsafe(`update pg_index set indisvalid = false where indexrelid = 'public.bookings_open_idx'::regclass`),
  );
  await finds(['indexes', 'constraints'], /users_email_key of public\.users is not ready/, (sql) =>
    sql.unsafe(`update pg_index set indisready = false where indexrelid = 'public.users_email_key'::regclass`),
  );
});

test('an index that is gone is found by name', () =>
  finds(['indexes'], /index bookings_tags_idx of schema public is in the backup/, (sql) =>
    sql.unsafe('drop index public.bookings_tags_idx'),
  ));

test('an index that lacks rows of its table is found by amcheck', async () => {
  const database = await standIn();
  try {
    // A wrong answer of the function, while the index is built, leaves the index without what the table has.
    await withSql(database.adminUrl, (sql) =>
      sql.unsafe(`create function public.shift(i integer) returns integer language sql immutable as 'select i';
        create index no_key_shift on public.no_key (public.shift(a));
        create or replace function public.shift(i integer) returns integer language sql immutable as 'select i + 1'`),
    );
    const results = await check(database.adminUrl, backup, { only: ['indexes'] });
    assert.deepEqual(results.get('indexes')!.findings, ['no_key_shift of public.no_key does not agree with its table']);
    assert.equal(results.get('indexes')!.verdict, 'failed');
  } finally {
    await database.drop();
  }
});

test('row level security that is off, a policy that is gone, added or changed are found', async () => {
  await finds(['row-security'], /row security bookings of schema public is in the backup/, (sql) =>
    sql.unsafe('alter table public.bookings disable row level security'),
  );
  await finds(['row-security'], /policy booking_payments No failed payments of schema public is in the backup/, (sql) =>
    sql.unsafe('drop policy "No failed payments" on public.booking_payments'),
  );
  await finds(['row-security'], /policy Everyone of public\.users is not in the backup/, (sql) =>
    sql.unsafe('create policy "Everyone" on public.users for select to anon using (true)'),
  );
  await finds(['row-security'], /policy Own logins of public\.login_history is not defined as in the backup/, (sql) =>
    sql.unsafe('alter policy "Own logins" on public.login_history using (true)'),
  );
  await finds(['row-security'], /policy Active services of public\.service_types is not defined/, (sql) =>
    sql.unsafe('alter policy "Active services" on public.service_types to authenticated'),
  );
});

test('a stale generated column is found', () =>
  finds(['generated-columns'], /public\.taxed\.gross has 1 rows that its expression does not give/, (sql) =>
    sql.unsafe(`create or replace function public.with_tax(net numeric) returns numeric language sql immutable
      as 'select net * 1.25'`),
  ));

test('a function that no longer compiles is found by name', () =>
  finds(
    ['functions'],
    /public\.count_places\(\) does not compile: column "code" does not exist \(SQLSTATE 42703\)/,
    (sql) => sql.unsafe('drop view public.codes; create view public.codes as select country from public.places'),
  ));

test('a disabled trigger is found, unless safe mode holds it back', async () => {
  const disable = (sql: Sql) => sql.unsafe('alter table public.users disable trigger set_updated_at');
  await finds(
    ['constraints'],
    /trigger set_updated_at of public\.users is disabled, in the backup it is enabled/,
    disable,
  );
  await finds(
    ['constraints'],
    /trigger audit_stripe_account of public\.\S+ is enabled, in the backup it is disabled/,
    (sql) => sql.unsafe('alter table public.business_stripe_accounts enable trigger audit_stripe_account'),
  );
  const activateSql = 'alter table "public"."users" enable trigger "set_updated_at";';
  const results = await broken(disable, {
    heldBack: [{ kind: 'trigger', name: 'public.users.set_updated_at', activateSql, reason: 'it calls a webhook' }],
  });
  assert.equal(results.get('constraints')!.verdict, 'passed');
  assert.match(
    results.get('constraints')!.findings.join('\n'),
    /set_updated_at of public\.users is held back by safe mode/,
  );
});

test('a trigger and a constraint that are gone are found by name', async () => {
  await finds(['constraints'], /trigger bookings set_updated_at of schema public is in the backup and not/, (sql) =>
    sql.unsafe('drop trigger set_updated_at on public.bookings'),
  );
  await finds(
    ['constraints'],
    /constraint user_roles user_roles_user_id_role_key of schema public is in the backup/,
    (sql) => sql.unsafe('alter table public.user_roles drop constraint user_roles_user_id_role_key'),
  );
});

test('rows that violate a check constraint which was never valid are an open question', async () => {
  const results = await broken((sql) =>
    sql.unsafe(`alter table public.no_key add constraint small check (a < 3) not valid`),
  );
  const { verdict, detail } = results.get('constraints')!;
  assert.equal(verdict, 'inconclusive');
  assert.match(detail, /small of public\.no_key is not valid and 1 rows violate it/);
});
