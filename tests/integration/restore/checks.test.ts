/** Checks of a restored database: a faithful one passes, and what cannot be found out is said with its reason. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import type { RlsProbe } from '../../../supabase/functions/_shared/domain/project-config.ts';
import { ALL_CHECKS } from '../../../supabase/functions/_shared/restore/checks/all-checks.ts';
import type { CheckContext } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import type { TestDatabase } from '../../support/template-database.ts';
import { withSql } from '../export/export-harness.ts';
import { type Backup, check, makeBackup, named, planOf } from './checks-harness.ts';
import { checkBroken, type Plant, standIn } from './stand-in.ts';

let backup: Backup;
let source: TestDatabase;

before(async () => {
  source = await standIn();
  backup = await makeBackup(source.url);
});

after(() => source.drop());

const broken = (plant: Plant, context?: Partial<CheckContext>) => checkBroken(backup, plant, context);

for (const version of POSTGRES_MAJORS) {
  test(`a faithful copy passes on PostgreSQL ${version}, or says what could not be found out`, async () => {
    const database = await standIn(version);
    try {
      const own = version === POSTGRES_MAJORS[0] ? backup : await makeBackup(database.url);
      const results = await check(database.adminUrl, own);
      assert.deepEqual(
        [...results.keys()],
        ALL_CHECKS.map(({ name }) => name),
      );
      assert.deepEqual(named(results, 'failed'), [], JSON.stringify([...results.values()], null, 1));
      assert.deepEqual(named(results, 'inconclusive'), ['row-security', 'storage-files']);
      assert.match(results.get('row-security')!.detail, /noted no probes/);
      assert.match(results.get('storage-files')!.detail, /storage\.objects has \d+ rows, and the backup has no list/);
      assert.match(results.get('indexes')!.detail, /amcheck found [1-9]\d+ B-trees sound/);
      assert.match(results.get('functions')!.findings.join(), /parsed only/);
      assert.equal(results.get('owner-checks')!.detail, 'none defined: backup.drill_check has no rows');
      for (const { seconds } of results.values()) assert.ok(seconds >= 0);
      const left = await withSql(
        database.adminUrl,
        (sql) => sql`select 1 from pg_extension where extname = 'amcheck'
          union all select 1 from pg_namespace where nspname like 'holdfast%'`,
      );
      assert.equal(left.length, 0, 'what was made for the checks is gone');
    } finally {
      await database.drop();
    }
  });
}

test('without the right to create amcheck the indexes are inconclusive, with the reason', async () => {
  const results = await check(source.url, backup, { only: ['indexes'] });
  assert.deepEqual([...results.keys()], ['indexes']);
  assert.equal(results.get('indexes')!.verdict, 'inconclusive');
  assert.match(results.get('indexes')!.detail, /no B-tree could be looked into: permission denied/);
});

test('probes compare what roles see, with their claims', async () => {
  const subject = await withSql(
    source.adminUrl,
    async (sql) => (await sql`select user_id from public.login_history order by 1 limit 1`)[0]!.user_id as string,
  );
  const seen = async (role: string, sub: string | null, table: string) =>
    await withSql(source.adminUrl, (sql) =>
      sql.begin(async (own) => {
        await own.unsafe(`set local role ${role}`);
        await own`select set_config('request.jwt.claims', ${JSON.stringify({ sub, role })}, true)`;
        return Number((await own.unsafe(`select count(*) from ${table}`))[0]!.count);
      }),
    );
  const probes: RlsProbe[] = [
    {
      role: 'anon',
      subject: null,
      table: 'public.service_types',
      count: await seen('anon', null, 'public.service_types'),
      sqlstate: null,
    },
    { role: 'anon', subject: null, table: 'public.user_roles', count: null, sqlstate: '42501' },
    {
      role: 'authenticated',
      subject,
      table: 'public.login_history',
      count: await seen('authenticated', subject, 'public.login_history'),
      sqlstate: null,
    },
    { role: 'authenticated', subject, table: 'public.webhook_events', count: 0, sqlstate: null },
  ];
  assert.ok(probes[0]!.count! > 0 && probes[2]!.count! > 0);
  const faithful = await check(source.url, backup, {
    only: ['row-security'],
    context: { config: { rls_probes: probes, rls_probes_left_out: [] } },
  });
  assert.equal(faithful.get('row-security')!.verdict, 'passed', JSON.stringify(faithful.get('row-security')));
  const results = await broken(
    (sql) =>
      sql.unsafe(`create or replace function auth.uid() returns uuid language sql stable as 'select null::uuid';
        grant select on public.user_roles to anon`),
    { config: { rls_probes: probes, rls_probes_left_out: [] } },
  );
  const { findings, verdict } = results.get('row-security')!;
  assert.equal(verdict, 'failed');
  assert.deepEqual(findings, [
    'anon on public.user_roles sees 0 rows, when the backup was made an error (SQLSTATE 42501)',
    `authenticated (${subject}) on public.login_history sees 0 rows, when the backup was made ${probes[2]!.count} rows`,
  ]);
  // A server that lacks a role of the API.
  const nobody = { ...probes[0]!, role: 'nobody' as 'anon' };
  const unknown = await check(source.url, backup, {
    only: ['row-security'],
    context: { config: { rls_probes: [nobody], rls_probes_left_out: [] } },
  });
  assert.match(unknown.get('row-security')!.detail, /nobody on public\.service_types could not be tried/);
});

test('plpgsql_check, where it is there, is asked about every function and trigger', async () => {
  const results = await broken((sql) =>
    // Stands in for the extension, with its interface: no package of it runs with the test servers.
    sql.unsafe(`create schema lint;
      create function lint.plpgsql_check_function_tb(f regprocedure, relid regclass default 0, fatal_errors boolean default true)
      returns table (functionid regproc, lineno integer, statement text, sqlstate text, message text, detail text, hint text,
        level text, "position" integer, query text, context text) language sql as $$
        select null::regproc, 7, null, '42P01', null, null, null, 'error', null::integer, null, null where relid = 'public.user_roles'::regclass $$;
      alter schema lint owner to postgres; alter function lint.plpgsql_check_function_tb owner to postgres`),
  );
  assert.deepEqual(results.get('functions')!.findings, [
    'public.audit_role_change() has an error in line 7 (SQLSTATE 42P01)',
  ]);
});

test("the owner's checks decide, read-only, one query each, with their own detail", async () => {
  const results = await broken(async (sql) => {
    await sql`insert into backup.drill_check ${sql([
      { name: '1 right', sql: 'select count(*) = 2 from places;', expect: null },
      { name: '2 expected', sql: 'select count(*) from public.places -- all', expect: '2' },
      { name: '3 wrong', sql: "select false, 'only ' || count(*) || ' places' from places", expect: null },
      { name: '4 several', sql: 'select true from places', expect: null },
      { name: '5 none', sql: 'select true where false', expect: null },
      { name: '6 two statements', sql: 'select true; drop table public.places', expect: null },
      { name: '7 writes', sql: "select setval('public.visits_id_seq', 900) > 0", expect: null },
      { name: '8 broken', sql: 'select colour from public.places', expect: null },
    ])}`;
  });
  const { verdict, findings } = results.get('owner-checks')!;
  assert.equal(verdict, 'failed');
  assert.deepEqual(findings, [
    '3 wrong does not find what it expects: only 2 places',
    '4 several must give one row, it gave several',
    '5 none must give one row, it gave none',
    '6 two statements could not be run: syntax error at or near ";" (SQLSTATE 42601)',
    '7 writes could not be run: SQLSTATE 25006',
    '8 broken could not be run: column "colour" does not exist (SQLSTATE 42703)',
  ]);
});

test('a database without backup.drill_check has no checks of the owner', async () => {
  const results = await broken((sql) => sql`drop table backup.drill_check`);
  assert.equal(results.get('owner-checks')!.verdict, 'passed');
  assert.match(results.get('owner-checks')!.detail, /^none defined/);
});

test('files of Storage: none missing where storage.objects has no rows', async () => {
  const results = await broken((sql) =>
    sql.unsafe('set session_replication_role = replica; delete from storage.objects'),
  );
  assert.equal(results.get('storage-files')!.verdict, 'passed');
});

test('csv is compared too; json and sql are inconclusive, with the reason', async () => {
  const csv = await makeBackup(source.url, 'csv');
  const only = ['content'];
  assert.equal((await check(source.url, csv, { only })).get('content')!.verdict, 'passed');
  const other = await standIn();
  try {
    await withSql(other.url, (sql) => sql`update public.no_key set b = null where b = ''`);
    assert.match((await check(other.url, csv, { only })).get('content')!.detail, /public\.no_key differs/);
  } finally {
    await other.drop();
  }
  for (const format of ['json', 'sql'] as const) {
    const made = await makeBackup(source.url, format);
    const { verdict, detail } = (await check(source.url, made, { only })).get('content')!;
    assert.equal(verdict, 'inconclusive');
    assert.match(detail, new RegExp(`rows stored as ${format} are not compared`));
  }
});

test('a large table is left out of a drill, and compared when asked for', async () => {
  const only = ['content'];
  const small = (await check(source.url, backup, { only, context: { contentLimitBytes: 100_000 } })).get('content')!;
  assert.equal(small.verdict, 'inconclusive');
  assert.match(small.findings.join('\n'), /public\.bookings: too large for this drill: \d+ bytes, the limit is 100000/);
  const all = (await check(source.url, backup, { only, context: { contentLimitBytes: null } })).get('content')!;
  assert.equal(all.verdict, 'passed');
});

test('text that only another version writes otherwise is no difference, another value is', async () => {
  const older = { ...backup.manifest, source: { ...backup.manifest.source, server_version_num: 130_004 } };
  const path = older.tables.find(({ name }) => name === 'no_key')!.segments[0]!;
  const rewritten = (from: string, to: string) =>
    async function* (wanted: string) {
      for await (const bytes of backup.read(wanted)) {
        yield wanted === path ? new TextEncoder().encode(new TextDecoder().decode(bytes).replace(from, to)) : bytes;
      }
    };
  const run = async (from: string, to: string) => {
    const read = rewritten(from, to);
    return (await check(source.url, { manifest: older, read }, { only: ['content'] })).get('content')!;
  };
  const same = await run('3\tx', '+3\tx');
  assert.equal(same.verdict, 'passed', same.detail);
  assert.match(
    same.findings.join(),
    /public\.no_key has the backup's values; PostgreSQL \d+ writes them otherwise than 13/,
  );
  assert.match((await run('3\tx', '4\tx')).detail, /public\.no_key differs from the backup/);
  assert.match((await run('3\tx', 'three\tx')).detail, /public\.no_key differs from the backup/);
});

test('rows that were merged or skipped are judged for what they are', async () => {
  const database = await standIn();
  try {
    await withSql(database.adminUrl, (sql) =>
      sql.unsafe(`set session_replication_role = replica;
        insert into auth.users (id) values ('22222222-2222-4222-8222-222222222222');
        delete from public.no_key; drop index public.bookings_open_idx`),
    );
    const plan = planOf(backup.manifest);
    const skipped = new Set(['no_key', 'bookings']);
    const tables = plan.tables.map((one) => (skipped.has(one.target.name) ? { ...one, action: 'skip' as const } : one));
    const results = await check(database.adminUrl, backup, { context: { plan: { ...plan, tables } } });
    assert.deepEqual(named(results, 'failed'), []);
    assert.match(results.get('row-counts')!.findings.join('\n'), /auth\.users has \d+ rows, 1 more than the backup/);
    assert.match(results.get('row-counts')!.findings.join('\n'), /public\.no_key was skipped/);
    assert.equal(results.get('content')!.verdict, 'inconclusive');
    assert.match(results.get('content')!.detail, /auth\.users was merged with rows that the target had/);
  } finally {
    await database.drop();
  }
});

test('a backup whose rows cannot be read leaves the content open, and the other checks whole', async () => {
  const path = backup.manifest.tables.find(({ name }) => name === 'no_key')!.segments[0]!;
  const read = (wanted: string) => backup.read(wanted === path ? 'tables/nowhere' : wanted);
  const results = await check(source.url, { ...backup, read }, { only: ['content', 'row-counts'] });
  assert.equal(results.get('row-counts')!.verdict, 'passed');
  assert.equal(results.get('content')!.verdict, 'inconclusive');
  assert.match(results.get('content')!.detail, /public\.no_key: its rows in the backup could not be read/);
});

test('a connection that is lost is thrown, not reported', async () => {
  const countWithoutConnection = async (context: CheckContext) => {
    await withSql(source.adminUrl, killOthers);
    return await ALL_CHECKS[0]!.run(context);
  };
  await assert.rejects(
    check(source.url, backup, {
      checks: [ALL_CHECKS[0]!, { ...ALL_CHECKS[0]!, name: 'lost', run: countWithoutConnection }],
    }),
    { code: 'DATABASE_CONNECTION_LOST' },
  );
});

const killOthers = (sql: Sql) => sql`
  select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
