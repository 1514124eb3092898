import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationsCheck } from '../../../scripts/dev/checks/migrations.ts';
import { problemsOf } from './fixture.ts';

const FOLDER = 'supabase/migrations';
const GOOD = `
-- create function comment() returns void
create table if not exists backup.task (id bigint); alter table backup.task enable row level security;
create or replace function backup.f(p text default 'a;b')
returns void language plpgsql set search_path = '' as $body$
begin
  create table x (id int); -- inside a body: not ours to judge
  perform 'it''s; fine';
end
$body$;
`;

async function check(files: Record<string, string>): Promise<string[]> {
  return await problemsOf(migrationsCheck, {
    files: Object.fromEntries(Object.entries(files).map(([name, text]) => [`${FOLDER}/${name}`, text])),
  });
}

test('good migrations have no problem', async () => {
  assert.deepEqual(
    await check({ '20260101000000_create_queue.sql': GOOD, '20260101000100_tick.sql': 'select 1;' }),
    [],
  );
});

test('row security may be enabled by a later migration', async () => {
  const files = {
    '20260101000000_create_a.sql': 'create table public.a (id int);',
    '20260101000100_secure_a.sql': 'alter table public.a\n  enable row level security;',
  };
  assert.deepEqual(await check(files), []);
});

test('wrong names are found', async () => {
  for (const name of [
    '1_a.sql',
    '20260101000000-a.sql',
    '20260101000000_A.sql',
    '20261301000000_a.sql',
    '20260230000000_a.sql',
    '20260101000000_.sql',
    'notes.txt',
  ]) {
    assert.match((await check({ [name]: 'select 1;' })).join(), /is not named/, name);
  }
  const twice = await check({ '20260101000000_a.sql': '', '20260101000000_b.sql': '' });
  assert.match(twice.join(), /20260101000000_b\.sql: has the number of 20260101000000_a\.sql/);
});

test('a function without a fixed search_path is found, with its line', async () => {
  const bad = ['set search_path = public', '', "set search_path = 'public'", "-- set search_path = ''"];
  for (const clause of bad) {
    const text = `select 1;\n\ncreate function backup.g() returns int language sql\n${clause}\nas $$ select 1 $$;`;
    const problems = await check({ '20260101000000_a.sql': text });
    assert.deepEqual(problems, [`${FOLDER}/20260101000000_a.sql:3: backup.g does not set search_path = ''`], clause);
  }
});

test('a search_path inside the body is not the one of the function', async () => {
  const text = "create procedure backup.p() language plpgsql as $$ begin set search_path = ''; end $$;";
  assert.equal((await check({ '20260101000000_a.sql': text })).length, 1);
});

test('a table without row security, or without its schema, is found', async () => {
  assert.match(
    (await check({ '20260101000000_a.sql': 'create table backup.b (id int);' })).join(),
    /not enabled on backup\.b/,
  );
  assert.match(
    (await check({ '20260101000000_a.sql': 'create unlogged table b(id int);' })).join(),
    /not named with its schema/,
  );
});
