/** A part of a partitioned table that is missing comes back into the table that is there: pg_dump of the whole is the same. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, before, beforeEach, describe, test } from 'node:test';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { restoreDatabase } from '../../../supabase/functions/_shared/restore/restore-database.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { type Keyring, makeKeyring, temporaryDirectory, withSql } from '../export/export-harness.ts';
import { type MadeBackup, makeBackup, restore, WHOLE } from './restore-harness.ts';

/** Two levels, and everything that a partition may have from its parent, of its own, or otherwise than its parent. */
const READINGS = `
  create table public.places (id int primary key, name text);
  insert into public.places select n, 'place ' || n from generate_series(1, 20) n;
  create function public.note() returns trigger language plpgsql as 'begin return null; end';
  create schema parts;
  create table public.readings (
    place int not null references public.places, at date not null, value int check (value > 0), note text default 'none',
    primary key (place, at)
  ) partition by range (at);
  create index by_value on public.readings (value);
  create trigger noted after insert on public.readings for each row execute function public.note();
  create table public.readings_2025 partition of public.readings for values from ('2025-01-01') to ('2026-01-01');
  create table parts."2026" partition of public.readings for values from ('2026-01-01') to ('2027-01-01')
    partition by hash (place);
  create table parts."2026_0" partition of parts."2026" for values with (modulus 2, remainder 0);
  create table parts."2026_1" partition of parts."2026" (note default 'one') for values with (modulus 2, remainder 1);
  create index own_index on public.readings_2025 (note);
  alter table public.readings_2025 disable trigger noted;
  alter table public.readings_2025 enable row level security;
  comment on table parts."2026" is 'a level between';
  grant select on parts."2026" to public;
  create unique index by_level on parts."2026" (place, at, value);
  insert into public.readings select p, date '2025-06-01' + 30 * m, p + m from generate_series(1, 20) p, generate_series(0, 12) m;`;

for (const major of POSTGRES_MAJORS) {
  describe(`partitions on PostgreSQL ${major}`, () => {
    let keys: Keyring;
    let out: string;
    let source: TestDatabase;
    let target: TestDatabase;
    let backup: MadeBackup;
    const databases: TestDatabase[] = [];

    async function readings(): Promise<TestDatabase> {
      const created = await createTestDatabase({ major, template: 'empty' });
      databases.push(created);
      await execute(created, READINGS);
      return created;
    }

    const execute = (database: TestDatabase, text: string) =>
      withSql(database.adminUrl, (sql) => sql.unsafe(text).simple());

    async function assertSame(): Promise<void> {
      const { identical, difference } = await comparePgDump(source.adminUrl, target.adminUrl, { rowOrder: 'ignored' });
      assert.ok(identical, difference);
    }

    before(async () => {
      keys = makeKeyring();
      out = temporaryDirectory();
      source = await readings();
      backup = await makeBackup(source.adminUrl, { keys, out });
    });

    beforeEach(async () => {
      target = await readings();
    });

    after(async () => {
      for (const created of databases) await created.drop();
      keys.dispose();
      rmSync(out, { recursive: true, force: true });
    });

    for (const [dropped, names] of [
      ['public.readings_2025', ['readings_2025']],
      ['parts."2026_1"', ['parts.2026_1']],
      ['parts."2026"', ['parts.2026']],
      ['parts."2026"', ['parts.2026_0', 'parts.2026_1']],
      ['public.readings', ['public.readings']],
    ] as const) {
      test(`${dropped}, dropped, comes back with --tables ${names.join(' ')}`, async () => {
        await execute(target, `drop table ${dropped}`);
        const report = await restore(backup, target.adminUrl, { tables: names, activate: false });
        assert.equal(report.error, null);
        assert.deepEqual(report.differences, []);
        await assertSame();
      });
    }

    test('a restore of a level that is stopped goes on, though it finds in the target what it made itself', async () => {
      await execute(target, 'drop table public.readings');
      const means = { platform: nodePlatform, targetUrl: target.adminUrl, archive: await backup.open() };
      const options = { ...WHOLE, tables: ['parts.2026', 'readings_2025'] };
      const stop = new AbortController();
      const stopped = await restoreDatabase(means, {
        options,
        signal: stop.signal,
        onEvent: ({ type }) => type === 'table' && stop.abort(new Error('stopped by the test')),
      });
      assert.equal(stopped.error?.code, 'RESTORE_INTERRUPTED');
      assert.equal((await restore(backup, target.adminUrl, options)).error, null);
      await assertSame();
    });

    test('a level of which one partition is missing gets it back with --on-conflict skip', async () => {
      await execute(target, 'drop table parts."2026_1"');
      const report = await restore(backup, target.adminUrl, { tables: ['parts.2026'], onConflict: 'skip' });
      assert.equal(report.error, null);
      await assertSame();
    });

    test('a table that refers to a partitioned one which came back before has its key whole, down to the partitions', async () => {
      const visits = await createTestDatabase({ major, template: 'empty' });
      const empty = await createTestDatabase({ major, template: 'empty' });
      databases.push(visits, empty);
      await execute(
        visits,
        `create table public.whole (id int primary key) partition by range (id);
         create table public.half_0 partition of public.whole for values from (0) to (10);
         create table public.half_1 partition of public.whole for values from (10) to (20);
         insert into public.whole values (1), (11);
         create table public.refers (id int references public.whole);
         insert into public.refers values (1), (11)`,
      );
      const own = await makeBackup(visits.adminUrl, { keys, out });
      for (const tables of [['whole'], ['refers']])
        assert.equal((await restore(own, empty.adminUrl, { tables })).error, null, tables.join());
      const constraints = (database: TestDatabase) =>
        withSql(database.adminUrl, async (sql) => {
          const rows = await sql`
            select conrelid::regclass::text, confrelid::regclass::text, contype, convalidated, conparentid <> 0 as inherited
            from pg_constraint where conrelid <> 0 and connamespace = 'public'::regnamespace order by 1, 2, 3`;
          return rows.map((row) => ({ ...row }));
        });
      const [expected, found] = [await constraints(visits), await constraints(empty)];
      assert.equal(expected.filter(({ contype }) => contype === 'f').length, 3);
      assert.deepEqual(found, expected);
    });

    test('a level whose partitions are there is refused, and replaced on demand', async () => {
      await execute(target, 'delete from parts."2026_0"');
      const tables = ['parts.2026'];
      await assert.rejects(restore(backup, target.adminUrl, { tables }), {
        code: 'RESTORE_CONFLICT',
        message: /parts\.2026_0/,
      });
      assert.equal((await restore(backup, target.adminUrl, { tables, onConflict: 'replace' })).error, null);
      await assertSame();
      await assert.rejects(restore(backup, target.adminUrl, { tables: ['parts.2027'] }), { code: 'TABLE_UNKNOWN' });
    });
  });
}
