/** Kept rows on the day when their time is over: keys with included columns, tables that changed, and what refuses to go. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { eraseNow } from './erase-harness.ts';
import { type Account, startAccount } from './export-harness.ts';

const ANN = '5eed0000-0000-4000-a000-0000000000a1';
const BEN = '5eed0000-0000-4000-a000-0000000000b2';

let account: Account;
let sql: Sql;

before(async () => {
  account = await startAccount();
  sql = account.sql as unknown as Sql;
  await sql.unsafe(`
    insert into backup.subject_source (schema_name, table_name, decision, category, paths, erase, keep_reason, keep_for)
    select 'public', t.name, 'mapped', 'other',
      '[[{"columns": ["user_id"], "to": {"schema": "auth", "table": "users", "columns": ["id"]}}]]', t.erase, t.reason, t.span
    from (values ('bills', 'keep', 'tax law', interval '8 years'), ('letters', 'delete', null, null))
      as t (name, erase, reason, span)`);
});

beforeEach(() =>
  sql.unsafe(`
    create table public.bills (id int, user_id uuid, x text, primary key (id) include (x));
    create table public.letters (id int, user_id uuid, x text, primary key (id) include (x));
    insert into public.bills values (1, '${ANN}', null), (2, '${ANN}', 'a'), (3, '${BEN}', 'a');
    insert into public.letters values (1, '${ANN}', null), (2, '${ANN}', 'a'), (3, '${BEN}', 'a')`),
);

afterEach(async () => {
  await sql.unsafe(`drop table if exists public.bills, public.old_bills, public.letters, public.stamps;
    delete from backup.erasure_kept; delete from public.system_health_alerts`);
});

after(() => account.close());

async function timeIsOver(): Promise<void> {
  await sql`update backup.erasure_kept set keep_until = now() - interval '1 day'`;
  await beat();
}

async function beat(): Promise<void> {
  await sql`select backup.tick()`;
  await account.work();
}

const idsOf = async (table: string) =>
  (await sql`select id from ${sql(`public.${table}`)} order by id`).map((row) => Number(row.id));
const kept = async () => {
  const rows = await sql`
    select erased_at is not null as erased, keys is not null as "hasKeys", tried_at is not null as tried from backup.erasure_kept`;
  return rows.map(({ erased, hasKeys, tried }) => ({ erased, hasKeys, tried }));
};
const ERASED = [{ erased: true, hasKeys: false, tried: false }];
const STAYED = [{ erased: false, hasKeys: true, tried: true }];
const alerts = async () =>
  (await sql`select message from public.system_health_alerts where alert_type = 'account_kept_rows_stay'`).map((row) =>
    String(row.message),
  );

test('a column that a primary key includes may be null: the erasure is complete', async () => {
  await eraseNow(account.means, ANN);
  assert.deepEqual([await idsOf('letters'), await idsOf('bills')], [[3], [1, 2, 3]]);
  const [row] = await sql`select key_columns, keys from backup.erasure_kept`;
  assert.deepEqual([row!.key_columns, row!.keys.flat().sort()], [['id'], ['1', '2']]);
});

test('a kept row goes though a column that its primary key includes has changed since', async () => {
  await eraseNow(account.means, ANN);
  await sql`update public.bills set x = 'b'`;
  await timeIsOver();
  assert.deepEqual([await idsOf('bills'), await kept(), await alerts()], [[3], ERASED, []]);
});

test('keys that were noted with an included column are not forgotten while their rows are there', async () => {
  const id = await eraseNow(account.means, ANN);
  // As the erasures of earlier versions noted them.
  await sql`update backup.erasure_kept set key_columns = '{id,x}', keys = '[["1", "a"], ["2", "a"]]'`;
  await timeIsOver();
  assert.deepEqual([await idsOf('bills'), await kept()], [[1, 3], STAYED]);
  assert.deepEqual(await alerts(), [
    `rows of public.bills that erasure ${id} kept are not erased, and their time is over: 1 rows with their keys are still there`,
  ]);
  await beat();
  assert.equal((await alerts()).length, 1, 'not again on the same day');
  await sql`update backup.erasure_kept set tried_at = now() - interval '25 hours', key_columns = '{id}'`;
  await beat();
  assert.deepEqual(await idsOf('bills'), [3]);
  assert.equal((await kept())[0]!.erased, true);
});

test('a table that is gone by its name is told of, and the keys stay until somebody says where it is', async () => {
  await eraseNow(account.means, ANN);
  await sql`alter table public.bills rename to old_bills`;
  await timeIsOver();
  assert.deepEqual(await kept(), STAYED);
  assert.match((await alerts()).join(), /^rows of public\.bills .*: there is no such table$/);
  await sql`update backup.erasure_kept set table_name = 'old_bills', tried_at = null`;
  await beat();
  assert.deepEqual([await idsOf('old_bills'), await kept()], [[3], ERASED]);
});

for (const [what, statements, because] of [
  [
    'a trigger keeps',
    `create or replace function public.keep_bill() returns trigger language plpgsql as $$ begin return null; end $$;
     create trigger keep_bill before delete on public.bills for each row execute function public.keep_bill()`,
    /2 rows with their keys are still there$/,
  ],
  [
    'a foreign key holds',
    `create table public.stamps (bill int references public.bills); insert into public.stamps values (1)`,
    /SQLSTATE 23503, constraint stamps_bill_fkey$/,
  ],
  [
    'a deferred foreign key holds',
    `create table public.stamps (bill int references public.bills deferrable initially deferred); insert into public.stamps values (1)`,
    /SQLSTATE 23503, constraint stamps_bill_fkey$/,
  ],
  ['have lost a column of their keys', 'alter table public.bills rename column id to no', /has no column id/],
] as const)
  test(`rows that ${what} are told of, and stand in the way of no others`, async () => {
    await eraseNow(account.means, ANN);
    await eraseNow(account.means, BEN);
    await sql.unsafe(statements);
    await sql`create table public.more_bills (id int primary key)`;
    await sql`insert into public.more_bills values (3)`;
    await sql`update backup.erasure_kept set table_name = 'more_bills', key_columns = '{id}' where keys = '[["3"]]'`;
    await sql`update backup.erasure_kept set keep_until = now() - interval '2 days' where table_name = 'bills'`;
    await sql`update backup.erasure_kept set keep_until = now() - interval '1 day' where table_name = 'more_bills'`;
    await beat();
    assert.match((await alerts()).join('\n'), because);
    assert.deepEqual(await idsOf('more_bills'), []);
    assert.deepEqual(
      (await kept()).sort((a, b) => Number(a.erased) - Number(b.erased)),
      [...STAYED, ...ERASED],
    );
    const [rows] = await sql`select count(*)::int as n from public.bills`;
    assert.equal(rows!.n, 3);
    await sql`drop table public.more_bills`;
  });
