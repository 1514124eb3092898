/** Somebody changes the schema while it is stored: what comes back is the snapshot, or there is no backup. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { exportDatabase } from '../../../supabase/functions/_shared/backup/export/export-database.ts';
import { createDirectoryStore } from '../../../supabase/functions/_shared/stores/directory-store.ts';
import { createMemoryStore } from '../../../supabase/functions/_shared/stores/memory-store.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { run, temporaryDirectory, withSql } from './export-harness.ts';
import { afterObject, FULL_EXPORT, keysOf, plainMeans } from './export-in-process.ts';

const PRE_DATA = /schema\/pre-data/;
const databases: TestDatabase[] = [];
let out: string;

before(() => {
  out = temporaryDirectory();
});

after(async () => {
  for (const database of databases) await database.drop();
  rmSync(out, { recursive: true, force: true });
});

async function database(sql = ''): Promise<string> {
  const created = await createTestDatabase({ major: POSTGRES_MAJORS[0]!, template: 'empty' });
  databases.push(created);
  if (sql) await execute(created.adminUrl, sql);
  return created.adminUrl;
}

function execute(url: string, sql: string): Promise<unknown> {
  return withSql(url, (session) => session.unsafe(sql).simple());
}

const SOURCE = `
  create table public.orders (id serial primary key, note text);
  insert into public.orders (note) values ('a'), ('b');
  create sequence public.invoices start 100;
  select nextval('public.invoices'), nextval('public.invoices');`;

test('a table that is made while the schema is stored does not stop the restore', async () => {
  const source = await database(SOURCE);
  const migration = `
    create table public.made_late (id serial primary key); insert into public.made_late default values;
    insert into public.orders (note) values ('late')`;
  const store = afterObject(createDirectoryStore(out), PRE_DATA, () => execute(source, migration));
  const { folder } = await exportDatabase(plainMeans(source, store), FULL_EXPORT);
  const target = await database();
  run('sh', ['restore.sh', target], { cwd: join(out, folder) });
  const [row] = await withSql(
    target,
    (sql) => sql`
      select to_regclass('public.made_late')::text as made_late, (select count(*)::int from public.orders) as orders,
        (select last_value::int from public.invoices) as invoices, nextval('public.orders_id_seq')::int as next`,
  );
  // Positions are those of the time when they were read: a number may be left out, none comes twice.
  assert.deepEqual({ ...row }, { made_late: null, orders: 2, invoices: 101, next: 4 });
});

for (const migration of ['alter sequence public.invoices rename to bills', 'drop sequence public.invoices']) {
  test(`after "${migration}" the export fails, to be made again, and leaves nothing`, async () => {
    const source = await database(SOURCE);
    const store = createMemoryStore();
    const means = plainMeans(
      source,
      afterObject(store, PRE_DATA, () => execute(source, migration)),
    );
    await assert.rejects(exportDatabase(means, FULL_EXPORT), {
      code: 'TABLES_CHANGED',
      kind: 'transient',
      message: /invoices.* was dropped|dropped or renamed after the backup began: .*invoices/,
    });
    assert.deepEqual(await keysOf(store), []);
    assert.equal((await exportDatabase(plainMeans(source, store), FULL_EXPORT)).status, 'completed');
  });
}

test('one SQL file has the sequences of its snapshot', async () => {
  const source = await database(SOURCE);
  const store = createMemoryStore();
  const migration = 'create table if not exists public.made_late (id serial primary key)';
  const { folder } = await exportDatabase(plainMeans(source, store), {
    ...FULL_EXPORT,
    request: { ...FULL_EXPORT.request, codec: 'none' },
    format: 'sql',
    // The text goes on when this returns: the tables stand in it by now, the sequences do not.
    onEvent: ({ type }) => {
      if (type === 'table') run('psql', ['-X', '-q', '-d', source, '-c', migration]);
    },
  });
  const text = new TextDecoder().decode(await store.getBytes(`${folder}/database.sql`));
  assert.match(text, /setval\('"public"\."orders_id_seq"', 2, true\)/);
  assert.doesNotMatch(text, /made_late/);
});
