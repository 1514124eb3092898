/** A backup comes back exactly, by pg_dump; whole, in part, over what is there, and after a failure. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { comparePgDump, dumpDigest } from '../../../scripts/dev/oracle/dump-digest.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import type { RestoreEvent, RestoreReport } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { planOf, restoreDatabase } from '../../../supabase/functions/_shared/restore/restore-database.ts';
import { PLATFORM, TRANSIENT } from '../../support/dumped-project.ts';
import { everyTypeSql } from '../../support/every-type.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import type { TemplateKind, TestDatabase } from '../../support/template-database.ts';
import { type Keyring, run, withSql } from '../export/export-harness.ts';
import { PLAIN_SCHEMA } from '../export/plain-schema.ts';
import { RoundTrip } from '../export/round-trip-databases.ts';
import { type MadeBackup, makeBackup, restore, WHOLE } from './restore-harness.ts';

const ALL = { rowOrder: 'ignored', excludeSchemas: PLATFORM, args: TRANSIENT } as const;

/** Rows of a unified difference that still differ when a JSON null counts as NULL. */
function afterJsonNull(difference: string): string[] {
  const rows = difference.split('\n').filter((line) => /^[-+](?![-+])/.test(line));
  const told = (sign: string) =>
    rows.filter((line) => line.startsWith(sign)).map((line) => line.slice(1).replaceAll('\tnull\t', '\t\\N\t'));
  const back = new Set(told('+'));
  return told('-').filter((line) => !back.has(line));
}

for (const major of POSTGRES_MAJORS) {
  describe(`restore into PostgreSQL ${major}`, () => {
    let keys: Keyring;
    let out: string;
    let round: RoundTrip;
    let demo: TestDatabase;
    let backup: MadeBackup;

    const database = (template: TemplateKind) => round.database(template);
    const plainDatabase = (name: string, sql?: string) => round.plainDatabase(name, sql);

    const count = (url: string, table: string) =>
      withSql(url, async (sql) => Number((await sql.unsafe(`select count(*) as n from ${table}`))[0]!.n));

    before(async () => {
      round = await RoundTrip.begin(major);
      ({ keys, out } = round);
      demo = await database('demo');
      backup = await makeBackup(demo.url, { keys, out });
    });

    after(() => round.end());

    test('a Supabase project comes back into a fresh one, and pg_dump sees no difference', async () => {
      const target = await database('supabase');
      const report = await restore(backup, target.url);
      assert.equal(report.error, null);
      assert.equal(report.status, 'completed');
      assert.deepEqual(
        report.tables.filter(({ state }) => state === 'not restored'),
        [],
      );
      const { identical, difference } = await comparePgDump(demo.adminUrl, target.adminUrl, ALL);
      assert.ok(identical, difference);
      for (const table of ['auth.users', 'storage.objects', 'storage.buckets']) {
        assert.equal(await count(target.adminUrl, table), await count(demo.adminUrl, table), table);
      }
      assert.deepEqual(
        report.phases.slice(1, 6).map(({ name }) => name),
        ['authentication', 'business core', 'bookings and revenue', 'communication', 'operational'],
      );
    });

    test('a plain database comes back exactly, from every format', async () => {
      const source = await plainDatabase('source', PLAIN_SCHEMA);
      for (const format of ['copy', 'csv']) {
        const made = await makeBackup(source, { keys, out, args: ['--mode', 'emergency', '--format', format] });
        const target = await plainDatabase(`target_${format}`);
        const report = await restore(made, target);
        assert.equal(report.error, null, format);
        const { identical, difference } = await comparePgDump(source, target, { rowOrder: 'ignored' });
        assert.ok(identical, `${format}: ${difference}`);
      }
    });

    test('a row of every built-in type comes back from copy, csv and json', async () => {
      const source = await database('empty');
      await withSql(source.url, async (sql) => {
        for (const statement of everyTypeSql()) await sql.unsafe(statement);
      });
      for (const format of ['copy', 'csv', 'json']) {
        const made = await makeBackup(source.url, { keys, out, args: ['--mode', 'full', '--format', format] });
        const target = await database('empty');
        const report = await restore(made, target.url);
        assert.equal(report.error, null, format);
        const { identical, difference } = await comparePgDump(source.adminUrl, target.adminUrl, {
          rowOrder: 'ignored',
        });
        // The one loss that the manifest names: JSON null in a json column comes back as SQL NULL.
        const lines = format === 'json' ? afterJsonNull(difference) : [difference];
        assert.ok(identical || (format === 'json' && lines.length === 0), `${format}: ${lines.join('\n')}`);
      }
    });

    test('from json, what may not be NULL comes back as the JSON null that it was, with and without Holdfast', async () => {
      const source = await database('empty');
      const rows = "select string_agg(n::text, ' ' order by id) as rows from public.nulls n";
      await withSql(source.url, async (sql) => {
        await sql`create table public.nulls (id int primary key, must jsonb not null default 'null', "Odd ""name" json not null, may jsonb)`;
        await sql`insert into public.nulls values (1, 'null', 'null', 'null'), (2, '[null]', '{}', '1'), (3, 'null', '1', null)`;
      });
      const made = await makeBackup(source.url, { keys, out, args: ['--mode', 'full', '--format', 'json'] });
      const [ours, plain] = [await database('empty'), await database('empty')];
      assert.equal((await restore(made, ours.url)).error, null);
      run('sh', ['restore.sh', plain.url], { cwd: join(out, made.folder), env: { GNUPGHOME: keys.home } });
      const expected = '(1,null,null,) (2,[null],{},1) (3,null,1,)';
      for (const target of [ours, plain])
        assert.equal(await withSql(target.url, async (sql) => (await sql.unsafe(rows))[0]!.rows), expected);
    });

    test('random texts, numbers and documents come back as they were', async () => {
      const value = fc.oneof(
        fc.constant(null),
        fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\0', '')),
        fc.constantFrom('', '\\N', '\\.', 'null', 'a\tb\nc\r\\', '"', "'"),
      );
      const row = fc.record({
        t: value,
        n: fc.option(fc.double({ noDefaultInfinity: false }).map(String)),
        j: fc.option(fc.json({ noUnicodeString: false }).map((text) => text.replaceAll('\\u0000', ''))),
        b: fc.option(fc.uint8Array().map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 30 }), async (rows) => {
          const source = await database('empty');
          await withSql(source.url, async (sql) => {
            await sql`create table public.anything (id integer generated always as identity, t text, n double precision, j json, b bytea)`;
            for (const { t, n, j, b } of rows) {
              await sql`insert into public.anything (t, n, j, b) values (${t}, ${n}::text::double precision, ${j}::text::json, ${b}::text::bytea)`;
            }
          });
          const target = await database('empty');
          assert.equal((await restore(await makeBackup(source.url, { keys, out }), target.url)).error, null);
          const { identical, difference } = await comparePgDump(source.adminUrl, target.adminUrl, {
            rowOrder: 'ignored',
          });
          assert.ok(identical, difference);
        }),
        { numRuns: 6 },
      );
    });

    test('a restore that is stopped in the middle goes on at the same place, wherever that is', async () => {
      const target = await database('supabase');
      let stops = 0;
      let report: RestoreReport | null = null;
      for (let afterMs = 120; report?.status !== 'completed'; afterMs += 40) {
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(new Error('stopped by the test')), afterMs);
        report = await restore(backup, target.url, { jobs: 2 }, stop.signal).catch((error) => {
          assert.equal(error.code, 'RESTORE_INTERRUPTED', error.message);
          return null;
        });
        clearTimeout(timer);
        if (report?.error) assert.equal(report.error.code, 'RESTORE_INTERRUPTED', report.error.message);
        if (report?.status !== 'completed') stops++;
      }
      assert.ok(stops >= 3, `stopped ${stops} times`);
      const { identical, difference } = await comparePgDump(demo.adminUrl, target.adminUrl, ALL);
      assert.ok(identical, difference);
      await assert.rejects(
        withSql(target.adminUrl, (sql) => sql`select from holdfast_restore.mark`),
        /does not exist/,
        'its marks are gone',
      );
    });

    test('a restore that is told to stop while it removes its marks is complete', async () => {
      const target = await database('supabase');
      const stop = new AbortController();
      const running = restore(backup, target.url, { jobs: 2 }, stop.signal);
      const until = async (what: string) => {
        for (let tries = 0; tries < 2000; tries++) {
          const [row] = await withSql(target.adminUrl, (sql) => sql.unsafe(`select ${what} as so`));
          if (row!.so) return;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        throw new Error(`never: ${what}`);
      };
      await until("to_regclass('holdfast_restore.mark') is not null");
      await withSql(target.adminUrl, (sql) =>
        sql.begin(async (reader) => {
          await reader`lock table holdfast_restore.mark in access share mode`;
          await until(`exists (select from pg_stat_activity where datname = current_database()
            and wait_event_type = 'Lock' and query like 'drop schema if exists holdfast_restore%')`);
          stop.abort(new Error('stopped by the test'));
        }),
      );
      const report = await running;
      assert.equal(report.status, 'completed', JSON.stringify(report.error));
      await assert.rejects(
        withSql(target.adminUrl, (sql) => sql`select from holdfast_restore.mark`),
        /does not exist/,
      );
    });

    test('a restore that brought nothing in leaves nothing behind, and binds nobody to its options', async () => {
      const target = await round.plainDatabase('refused', 'create type public.bookings as (a int)');
      const source = await round.plainDatabase('refused_source', 'create table public.bookings (id int primary key)');
      const own = await makeBackup(source, { keys, out });
      const failed = await restore(own, target);
      assert.match(failed.error!.message, /^TABLE public\.bookings: .*already exists/);
      const schemas = await withSql(target, (sql) => sql`select nspname from pg_namespace where nspname ~ 'holdfast'`);
      assert.deepEqual([...schemas], []);
      await withSql(target, (sql) => sql`drop type public.bookings`);
      assert.equal((await restore(own, target, { jobs: 1, activate: false })).error, null);
    });

    test('a backup of a database with an unfinished restore comes back without its marks', async () => {
      const source = await round.plainDatabase(
        'marked',
        `create table public.a (id int primary key); insert into public.a values (1);
         create schema holdfast_restore; create table holdfast_restore.mark (step text primary key, rows bigint);
         insert into holdfast_restore.mark values ('pre-data', 0)`,
      );
      const own = await makeBackup(source, { keys, out });
      const target = await round.plainDatabase('unmarked');
      const report = await restore(own, target);
      assert.equal(report.error, null);
      assert.deepEqual(
        report.tables.map(({ table }) => table),
        ['public.a'],
      );
      assert.equal(await count(target, 'public.a'), 1);
    });

    test("a Supabase project's backup is refused where the platform is not, before anything is written", async () => {
      const target = await round.plainDatabase('no_platform');
      await assert.rejects(restore(backup, target), {
        code: 'RESTORE_TARGET_UNUSABLE',
        message: /lacks the platform's schemas auth.* refer to/,
      });
      const [row] = await withSql(
        target,
        (sql) => sql`select count(*)::int as n from pg_namespace where nspname !~ '^pg_'`,
      );
      assert.equal(row!.n, 2);
    });

    test('an unfinished restore is not mixed with one of another backup or with other options', async () => {
      const target = await database('supabase');
      const stop = new AbortController();
      const means = { platform: nodePlatform, targetUrl: target.url, archive: await backup.open() };
      const onEvent = (event: RestoreEvent) => {
        if (event.type === 'table') stop.abort(new Error('stopped by the test'));
      };
      const first = await restoreDatabase(means, { options: WHOLE, onEvent, signal: stop.signal });
      assert.equal(first.error?.code, 'RESTORE_INTERRUPTED');
      assert.ok(first.tables.some(({ state }) => state === 'not restored'));
      await assert.rejects(restore(backup, target.url, { activate: false }), {
        code: 'RESTORE_CONFLICT',
        message: /other options/,
      });
      await assert.rejects(planOf(means, { ...WHOLE, activate: false }), { code: 'RESTORE_CONFLICT' });
      const goesOn = await planOf(means, WHOLE);
      assert.ok(
        goesOn.tables.every(({ action }) => action !== 'replace'),
        'what the first attempt made is not replaced',
      );
      assert.match(goesOn.notes.join(), /the same command goes on with it/);
      const other = await makeBackup(demo.url, { keys, out });
      await assert.rejects(restore(other, target.url), { code: 'RESTORE_CONFLICT', message: /another backup/ });
      assert.equal((await restore(backup, target.url)).error, null);
    });

    test('one table that was deleted by mistake comes back with its rows, indexes and policies', async () => {
      const target = await database('demo');
      await withSql(target.adminUrl, (sql) => sql`drop table public.booking_payments cascade`);
      const report = await restore(backup, target.url, { tables: ['booking_payments'] });
      assert.equal(report.error, null);
      assert.equal(
        await count(target.adminUrl, 'public.booking_payments'),
        await count(demo.adminUrl, 'public.booking_payments'),
      );
      const args = ['--table=public.booking_payments'];
      const { identical, difference } = await comparePgDump(demo.adminUrl, target.adminUrl, {
        rowOrder: 'ignored',
        args,
      });
      assert.ok(identical, difference);
    });

    test('a partitioned table comes back with its partitions by its own name', async () => {
      const target = await database('demo');
      await withSql(target.adminUrl, (sql) => sql`drop table public.webhook_events cascade`);
      const report = await restore(backup, target.url, { tables: ['webhook_events'] });
      assert.equal(report.error, null);
      const { identical, difference } = await comparePgDump(demo.adminUrl, target.adminUrl, {
        rowOrder: 'ignored',
        args: ['--table=public.webhook_events*'],
      });
      assert.ok(identical, difference);
    });

    test('tables that are there are refused and nothing is changed, skipped, or replaced with the rows of the backup', async () => {
      const target = await database('demo');
      await withSql(target.adminUrl, (sql) => sql`delete from public.login_history where true`);
      const tables = ['login_history'];
      await assert.rejects(restore(backup, target.url, { tables }), {
        code: 'RESTORE_CONFLICT',
        message: /public\.login_history/,
      });
      const skipped = await restore(backup, target.url, { tables, onConflict: 'skip' });
      assert.equal(skipped.tables[0]!.state, 'skipped');
      assert.equal(await count(target.adminUrl, 'public.login_history'), 0);
      await withSql(
        target.adminUrl,
        (sql) => sql`insert into public.login_history select * from public.login_history where false`,
      );
      const replaced = await restore(backup, target.url, { tables, onConflict: 'replace' });
      assert.equal(replaced.error, null);
      assert.equal(
        await count(target.adminUrl, 'public.login_history'),
        await count(demo.adminUrl, 'public.login_history'),
      );
      const { identical, difference } = await comparePgDump(demo.adminUrl, target.adminUrl, {
        rowOrder: 'ignored',
        excludeSchemas: PLATFORM,
        args: TRANSIENT,
      });
      assert.ok(identical, difference);
    });

    test('rows alone go into tables that are there and empty', async () => {
      const target = await database('demo');
      await withSql(target.adminUrl, (sql) => sql`truncate public.login_history`);
      const report = await restore(backup, target.url, { tables: ['login_history'], only: 'data' });
      assert.equal(report.error, null);
      assert.equal(
        await count(target.adminUrl, 'public.login_history'),
        await count(demo.adminUrl, 'public.login_history'),
      );
    });

    test('a schema is restored beside the live one under another name', async () => {
      const target = await database('demo');
      const report = await restore(backup, target.url, { renameSchema: { from: 'public', to: 'before' } });
      assert.equal(report.error, null);
      assert.equal(await count(target.adminUrl, 'before.bookings'), await count(demo.adminUrl, 'public.bookings'));
    });

    test('a table is restored beside the live one, without the foreign keys to tables that are not', async () => {
      const target = await database('demo');
      const renameSchema = { from: 'public', to: 'rescued' };
      const report = await restore(backup, target.url, { tables: ['login_history'], renameSchema });
      assert.equal(report.error, null);
      assert.match(report.differences.join('\n'), /login_history_user_id_fkey is left out: public\.users is not/);
      assert.equal(
        await count(target.adminUrl, 'rescued.login_history'),
        await count(demo.adminUrl, 'public.login_history'),
      );
    });

    test('tables that use types and functions of their schema are restored beside the live ones, which stay as they are', async () => {
      const target = await database('demo');
      const tables = ['service_types', 'bookings', 'booking_payments'];
      const before = await dumpDigest(target.adminUrl, ALL);
      const report = await restore(backup, target.url, {
        tables,
        renameSchema: { from: 'public', to: 'rescued' },
      });
      assert.equal(report.error, null);
      await withSql(target.adminUrl, async (sql) => {
        for (const table of tables) {
          const [row] = await sql.unsafe(
            `select count(*) filter (where l::text is distinct from r::text)::int as other, count(*)::int as all
             from public.${table} l full join rescued.${table} r using (id)`,
          );
          assert.equal(row!.other, 0, table);
          assert.ok(row!.all > 0, table);
        }
        await sql`drop schema rescued cascade`;
      });
      assert.deepEqual(await dumpDigest(target.adminUrl, ALL), before);
    });

    test('two restores into one database do not mix', async () => {
      const target = await database('supabase');
      await withSql(target.url, async (sql) => {
        await sql`select pg_advisory_lock(hashtext('holdfast restore'), 0)`;
        await assert.rejects(restore(backup, target.url), { code: 'RESTORE_CONFLICT', message: /another restore/ });
      });
    });
  });
}
