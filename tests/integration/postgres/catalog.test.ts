import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import type { Slice } from '../../../supabase/functions/_shared/postgres/catalog-types.ts';
import { copyStatement } from '../../../supabase/functions/_shared/postgres/copy-statement.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { cutSlice, planSlices } from '../../../supabase/functions/_shared/postgres/plan-slices.ts';
import { readCatalog } from '../../../supabase/functions/_shared/postgres/read-catalog.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase } from '../../support/template-database.ts';

async function copyText(session: PgSession, sql: string): Promise<string> {
  const blocks: Uint8Array[] = [];
  for await (const block of session.copyOut(sql)) blocks.push(block.bytes);
  return Buffer.concat(blocks).toString();
}

for (const major of POSTGRES_MAJORS) {
  test(`the catalogue of a Supabase project on PostgreSQL ${major}`, async (t) => {
    const database = await createTestDatabase({ major, template: 'demo' });
    const admin = await openSession(nodePlatform, database.adminUrl);
    const session = await openSession(nodePlatform, database.url);
    t.after(async () => {
      await Promise.all([admin.close(), session.close()]);
      await database.drop();
    });
    await admin.query(`
      create schema "Ünï.cødé""x"; create table "Ünï.cødé""x"."sélect ""*"" from" ("a b" integer);
      create schema extensions_of_mine; create table extensions_of_mine.t ();
      create schema closed; revoke all on schema closed from public; create table closed.t ();
      create table public.column_grant (a integer, b integer); revoke all on public.column_grant from public, postgres;
      grant select (a) on public.column_grant to postgres;
      create unlogged table public.unlogged (); create temporary table gone ();
      create materialized view public.summary as select 1 as one;
      create table public.measured (at date, v integer) partition by range (at);
      create table public.measured_2026 partition of public.measured for values from ('2026-01-01') to ('2027-01-01')
        partition by range (at);
      create table public.measured_2026_01 partition of public.measured_2026 for values from ('2026-01-01') to ('2026-02-01');
      create domain public.doc as jsonb; create domain public.doc2 as public.doc;
      create table public.shapes (id integer generated always as identity primary key, d public.doc2, g integer generated always as (1) stored, dropped text);
      alter table public.shapes drop column dropped;
      select lo_create(0);
    `);
    const catalog = await readCatalog(session);
    const names = new Set(catalog.tables.map((table) => `${table.schema}.${table.name}`));
    const table = (schema: string, name: string) =>
      catalog.tables.find((one) => one.schema === schema && one.name === name);

    await t.test('rows of auth and storage are taken as managed data, without the bookkeeping of the platform', () => {
      assert.equal(catalog.supabase, true);
      assert.ok(catalog.managedSchemas.includes('auth') && catalog.managedSchemas.includes('storage'));
      assert.ok(!catalog.managedSchemas.includes('public') && !catalog.managedSchemas.includes('extensions_of_mine'));
      assert.equal(table('auth', 'users')!.managed, true);
      assert.equal(table('storage', 'objects')!.managed, true);
      for (const absent of ['auth.schema_migrations', 'storage.migrations']) assert.ok(!names.has(absent), absent);
      const schemas = new Set(catalog.tables.map((one) => one.schema));
      for (const absent of ['cron', 'net', 'vault', 'pg_catalog', 'information_schema'])
        assert.ok(!schemas.has(absent));
    });

    await t.test("Holdfast's own queue is left out, its other tables are not", () => {
      for (const absent of ['task', 'ticket', 'setting', 'run_table', 'segment'])
        assert.equal(table('backup', absent), undefined);
      assert.ok(names.has('backup.table_tier') && names.has('public.backup_log'));
    });

    await t.test('names in any script, unlogged and partitioned tables are there, temporary ones are not', () => {
      assert.ok(names.has('Ünï.cødé"x.sélect "*" from'));
      assert.equal(table('public', 'unlogged')!.persistence, 'u');
      assert.equal(table('public', 'summary')!.kind, 'm');
      assert.equal(table('public', 'measured')!.kind, 'p');
      assert.equal(table('public', 'measured')!.partitionRoot, null);
      assert.deepEqual(table('public', 'measured_2026_01')!.partitionRoot, { schema: 'public', name: 'measured' });
      assert.ok(![...names].some((name) => name.endsWith('.gone')));
    });

    await t.test('columns say what a copy must know', () => {
      const columns = table('public', 'shapes')!.columns;
      assert.deepEqual(
        columns.map(({ name, type, baseTypeOid, generated, identity, notNull }) => [
          name,
          type,
          baseTypeOid,
          generated,
          identity,
          notNull,
        ]),
        [
          ['id', 'integer', 23, false, true, true],
          ['d', 'public.doc2', 3802, false, false, false],
          ['g', 'integer', 23, true, false, false],
        ],
      );
      assert.equal(table('public', 'shapes')!.hasPrimaryKey, true);
      assert.equal(catalog.largeObjectCount, 1);
    });

    await t.test('what the role cannot read whole is listed as not readable', async () => {
      await admin.query(`
        create role reader_of_${database.name} login password 'reader'; grant connect on database ${database.name} to reader_of_${database.name};
        create table public.open_one (); grant select on public.open_one to reader_of_${database.name};
        create table public.secured (); grant select on public.secured to reader_of_${database.name};
        alter table public.secured enable row level security;
        grant select (a) on public.column_grant to reader_of_${database.name};
        create sequence public.told; grant select on sequence public.told to reader_of_${database.name}; create sequence public.untold;
        grant select on closed.t to reader_of_${database.name}; grant usage on schema public to reader_of_${database.name};`);
      const url = new URL(database.adminUrl);
      url.username = `reader_of_${database.name}`;
      url.password = 'reader';
      const reader = await openSession(nodePlatform, url.href);
      const { tables: seen, unreadableSequences } = await readCatalog(reader);
      await reader.close();
      const readable = (schema: string, name: string) =>
        seen.find((one) => one.schema === schema && one.name === name)!.readable;
      assert.equal(readable('public', 'open_one'), true);
      for (const [schema, name] of [
        ['closed', 't'],
        ['public', 'secured'],
        ['public', 'column_grant'],
        ['public', 'shapes'],
      ]) {
        assert.equal(readable(schema!, name!), false, `${schema}.${name}`);
      }
      const unreadable = (name: string) => unreadableSequences.find((one) => one.name === name);
      assert.deepEqual(unreadable('untold'), { schema: 'public', name: 'untold', owner: null });
      assert.deepEqual(unreadable('shapes_id_seq')!.owner, { schema: 'public', name: 'shapes' });
      assert.equal(unreadable('told'), undefined);
      assert.deepEqual(catalog.unreadableSequences, [], 'the role of backups reads them all');
      await admin.query(`drop owned by reader_of_${database.name}; drop role reader_of_${database.name}`);
    });

    await t.test('slices of a table, cut at will, give its rows once and in order', async () => {
      await admin.query(`create table public.sliced as select i, repeat('x', i % 500) from generate_series(1, 20000) i;
        delete from public.sliced where i % 7 = 0`);
      const sliced = (await readCatalog(session)).tables.find((one) => one.name === 'sliced')!;
      let slices: Slice[] = planSlices(sliced, { blockSize: catalog.blockSize, targetBytes: 500_000 });
      assert.ok(slices.length > 5);
      for (let cut = 0; cut < 9; cut++)
        slices = slices.toSpliced(3, 1, ...cutSlice(slices[3]!, { blocks: sliced.blocks })!);
      slices = slices.toSorted((a, b) => (a.part < b.part ? -1 : 1));
      let text = '';
      for (const { range } of slices) text += await copyText(admin, copyStatement(sliced, range, { format: 'copy' }));
      assert.ok(text === (await copyText(admin, 'copy (select * from public.sliced) to stdout')));
      const [[plan]] = (await admin.query(
        `explain ${copyStatement(sliced, slices[3]!.range, { format: 'copy' }).slice(6, -11)}`,
      )) as [[string]];
      assert.match(plan, /Tid Range Scan/);
    });

    await t.test('1,000 tables are read with as many statements as one', async () => {
      await admin.query(
        `do $$ begin for i in 1..1000 loop execute format('create table public.many_%s (a integer primary key, b text, c jsonb)', i); end loop; end $$`,
      );
      let statements = 0;
      const query = (sql: string) => {
        statements += 1;
        return session.query(sql);
      };
      const { tables } = await readCatalog(Object.assign(Object.create(session), { query }));
      assert.ok(statements < 20, `${statements} statements`);
      assert.equal(tables.filter((one) => one.name.startsWith('many_')).length, 1000);
    });
  });

  test(`schemas named like the platform's are the user's in a plain PostgreSQL ${major}`, async (t) => {
    const database = await createTestDatabase({ major, template: 'empty' });
    const session = await openSession(nodePlatform, database.adminUrl);
    t.after(async () => {
      await session.close();
      await database.drop();
    });
    await session.query(`
      create role owner_of_${database.name}; create schema auth authorization owner_of_${database.name}; create table auth.schema_migrations (v text);
      create schema backup; create table backup.task (); create schema vault authorization owner_of_${database.name}; create table vault.secrets ();
      create extension citext schema public`);
    const catalog = await readCatalog(session);
    assert.deepEqual(
      catalog.tables.map((table) => `${table.schema}.${table.name} ${table.managed}`),
      ['auth.schema_migrations false', 'backup.task false', 'vault.secrets false'],
    );
    assert.ok(catalog.extensions.some((extension) => extension.name === 'citext' && extension.schema === 'public'));
    await session.query(`drop schema auth, vault cascade; drop role owner_of_${database.name}`);
  });
}

test('a table that was dropped since the snapshot is not taken for an empty one', async (t) => {
  const database = await createTestDatabase({ major: 17, template: 'empty' });
  const [session, other] = [
    await openSession(nodePlatform, database.url),
    await openSession(nodePlatform, database.adminUrl),
  ];
  t.after(async () => {
    await Promise.all([session.close(), other.close()]);
    await database.drop();
  });
  await other.query('create table public.gone as select 1 as one; create table public.stays (one integer)');
  await session.query('begin isolation level repeatable read; select 1');
  await other.query('drop table public.gone');
  const { tables } = await readCatalog(session);
  const heapBytes = Object.fromEntries(tables.map((table) => [table.name, table.heapBytes]));
  assert.deepEqual(heapBytes, { gone: 1, stays: 0 });
});
