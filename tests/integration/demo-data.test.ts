/** The demo application: the same every time, on every version, before and after our migrations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import postgres from 'postgres';
import { dumpDigest } from '../../scripts/dev/oracle/dump-digest.ts';
import { ensureOracle } from '../../scripts/dev/oracle/ensure-oracle.ts';
import { DEMO_PEOPLE, DEMO_TABLES, seedDemo } from '../../scripts/dev/stack/database/seed-demo.ts';
import { POSTGRES_MAJORS } from '../support/postgres-server.ts';
import { applyMigrations, createTestDatabase, type TestDatabase } from '../support/template-database.ts';

const ROWS = 600;

async function withDatabase(
  options: Parameters<typeof createTestDatabase>[0],
  work: (database: TestDatabase, sql: postgres.Sql) => Promise<void>,
): Promise<void> {
  const database = await createTestDatabase(options);
  const sql = postgres(database.url, { max: 1, onnotice: () => {} });
  try {
    await work(database, sql);
  } finally {
    await sql.end({ timeout: 5 });
    await database.drop();
  }
}

for (const major of POSTGRES_MAJORS) {
  test(`all 17 critical tables hold rows and the health alerts are left to the migrations, PostgreSQL ${major}`, () =>
    withDatabase({ major, template: 'supabase' }, async (database, sql) => {
      await seedDemo(database.url, { rows: ROWS });
      for (const table of DEMO_TABLES) {
        const [row] = await sql`select count(*)::integer as rows from ${sql(`public.${table}`)}`;
        assert.ok(row?.rows >= 4, `${table} has ${row?.rows} rows`);
      }
      assert.equal((await sql`select count(*)::integer as rows from public.bookings`)[0]?.rows, ROWS);
      assert.equal((await sql`select to_regclass('public.system_health_alerts') as name`)[0]?.name, null);
      const owners = await sql`select distinct tableowner from pg_tables where schemaname = 'public'`;
      assert.deepEqual(
        owners.map((row) => row.tableowner),
        ['postgres'],
      );
      const open = await sql`select tablename from pg_tables where schemaname = 'public' and not rowsecurity`;
      assert.deepEqual([...open], []);
    }));

  test(`the hard cases of a backup are in the data, PostgreSQL ${major}`, () =>
    withDatabase({ major, template: 'supabase' }, async (database, sql) => {
      await seedDemo(database.url, { rows: ROWS });
      const [facts] = await sql`
        select
          (select bool_or(notes is null) and bool_or(notes = '') from public.bookings) as null_and_empty,
          (select bool_or(intake is null) and bool_or(intake = 'null') from public.bookings) as sql_and_json_null,
          (select count(*) filter (where octet_length(notes) > 400000) + count(*) filter (where octet_length(intake::text) > 100000)
            from public.bookings) as big,
          (select bool_or(rating = 'Infinity') and bool_or(rating = '-Infinity') and bool_or(rating = 'NaN') from public.users) as floats,
          (select bool_or(valid_until = 'infinity') from public.users) as forever,
          (select count(*) - count(distinct h::text) from public.login_history h) > 0 as duplicates,
          (select count(distinct tableoid) from public.webhook_events) as partitions,
          (select count(*) from pg_constraint where conrelid = 'public.login_history'::regclass and contype = 'p') as primary_keys`;
      assert.deepEqual(
        { ...facts },
        {
          null_and_empty: true,
          sql_and_json_null: true,
          big: '6',
          floats: true,
          forever: true,
          duplicates: true,
          partitions: '4',
          primary_keys: '0',
        },
      );
    }));

  test(`row security lets people see their own, PostgreSQL ${major}`, () =>
    withDatabase({ major, template: 'supabase' }, async (database, sql) => {
      await seedDemo(database.url, { rows: ROWS });
      const seen = async (role: 'anon' | 'authenticated', sub?: string) =>
        sql.begin(async (tx) => {
          await tx`select set_config('request.jwt.claims', ${JSON.stringify({ sub, role })}, true)`;
          await tx.unsafe(`set local role ${role}`);
          const [row] = await tx`select (select count(*)::integer from public.users) as users,
            (select count(*)::integer from public.calendars) as calendars, (select count(*)::integer from public.bookings) as bookings`;
          return row;
        });
      assert.equal((await seen('authenticated', DEMO_PEOPLE.user.id))?.users, 1);
      assert.ok((await seen('authenticated', DEMO_PEOPLE.admin.id))?.users > 1);
      assert.equal((await seen('anon'))?.bookings, 0);
      assert.ok((await seen('anon'))?.calendars > 0);
    }));

  test(`the demo goes onto a database with our migrations and our migrations onto the demo, PostgreSQL ${major}`, async () => {
    await withDatabase({ major, template: 'holdfast' }, async (database) => seedDemo(database.url, { rows: ROWS }));
    await withDatabase({ major, template: 'supabase' }, async (database, sql) => {
      await seedDemo(database.url, { rows: ROWS });
      const events = await sql`select count(*) from public.security_events_log`;
      await applyMigrations(database.url);
      assert.deepEqual([...(await sql`select count(*) from public.security_events_log`)], [...events]);
    });
  });

  test(`a new account gets its profile by the trigger on auth.users, PostgreSQL ${major}`, () =>
    withDatabase({ major, template: 'supabase' }, async (database, sql) => {
      await seedDemo(database.url, { rows: ROWS });
      await sql`insert into auth.users (id, email) values ('11111111-1111-4111-8111-111111111111', 'new@bookings.example')`;
      const rows = await sql`select email from public.users where id = '11111111-1111-4111-8111-111111111111'`;
      assert.deepEqual([...rows], [{ email: 'new@bookings.example' }]);
    }));
}

test('the rows are the same in every database and on every version', async (t) => {
  if (!(await ensureOracle(17))) return t.skip('postgresql-client-17 is not installed');
  const digests = new Set<string>();
  for (const major of [...POSTGRES_MAJORS, ...POSTGRES_MAJORS]) {
    await withDatabase({ major, template: 'supabase' }, async (database) => {
      await seedDemo(database.url, { rows: ROWS });
      digests.add(await dumpDigest(database.url, { args: ['--data-only', '--schema=public'] }));
    });
  }
  assert.equal(digests.size, 1);
});

for (const rows of [0, 99, 1.5, Number.NaN, 20_000_001]) {
  test(`${rows} rows are refused`, () =>
    assert.rejects(seedDemo('postgresql://unused', { rows }), { code: 'DEMO_ROWS_INVALID' }));
}
