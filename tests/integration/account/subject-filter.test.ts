/** The filter against the same question asked in TypeScript, over random rows and random paths. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { readSubjectSources } from '../../../supabase/functions/_shared/account/read-sources.ts';
import { openSubjectRows } from '../../../supabase/functions/_shared/account/read-subject-rows.ts';
import type {
  SubjectHop,
  SubjectPath,
  SubjectSource,
} from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { quoteIdentifier } from '../../../supabase/functions/_shared/postgres/identifiers.ts';
import { openDriver, type Sql } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { subjectFilter } from '../../../supabase/functions/_shared/postgres/subject-filter.ts';
import { EVERY_TYPE_VALUES, everyTypeSql } from '../../support/every-type.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openDriver(database.url);
});
after(async () => {
  await sql.end();
  await database.drop();
});

const ME = { id: 'abcdef01-0000-4000-8000-00000000000f', email: 'Me@Example.org', phone: '4915123' };
const OTHER = 'abcdef01-0000-4000-8000-00000000000e';
const TABLES = ['t"0', 'T 1', '表2'] as const;

type Name = (typeof TABLES)[number];
interface Row {
  readonly k: number | null;
  readonly l: number | null;
  readonly u: string | null;
  readonly x: string | null;
  readonly mail: string | null;
  readonly tel: string | null;
}
type Rows = Record<Name, Row[]>;

const small = fc.option(fc.integer({ min: 0, max: 3 }), { nil: null });
const row = fc.record({
  k: small,
  l: small,
  u: fc.constantFrom(null, ME.id, OTHER),
  x: fc.constantFrom(null, ME.id, ME.id.toUpperCase(), OTHER, 'no uuid'),
  mail: fc.constantFrom(null, '', 'me@example.org', 'ME@EXAMPLE.ORG', 'you@example.org'),
  tel: fc.constantFrom(null, '', '4915123', '+4915123', '+4915124'),
});
const rows = fc.array(row, { maxLength: 8 });
const last = fc.constantFrom<[string, string]>(['u', 'id'], ['x', 'id'], ['mail', 'email'], ['tel', 'phone']);
const step = fc.record({
  to: fc.constantFrom(...TABLES),
  columns: fc.constantFrom(['k'], ['l'], ['k', 'l'], ['u'], ['x']),
  turned: fc.boolean(),
});
const path = fc.tuple(fc.array(step, { maxLength: 3 }), last).map(([steps, [column, by]]): SubjectPath => {
  const hops = steps.map(({ to, columns, turned }): SubjectHop => {
    const uuid = columns[0] === 'u' || columns[0] === 'x';
    const ends = uuid && turned ? [columns[0] === 'u' ? 'x' : 'u'] : turned ? [...columns].reverse() : columns;
    return { columns, to: { schema: 'odd "schema"', table: to, columns: ends }, asText: uuid && turned };
  });
  return [...hops, { columns: [column], to: { schema: 'auth', table: 'users', columns: [by] } }];
});

function isMine(data: Rows, one: Row, [hop, ...rest]: SubjectPath): boolean {
  const value = (of: Row, column: string, text: boolean) => {
    const found = of[column as keyof Row];
    return text && typeof found === 'string' ? found.toLowerCase() : found;
  };
  if (rest.length === 0) {
    const found = String(one[hop!.columns[0] as keyof Row]).toLowerCase();
    const by = hop!.to.columns[0];
    if (by === 'phone') return found.replace(/^\+/, '') === ME.phone;
    return found === (by === 'id' ? ME.id : ME.email.toLowerCase());
  }
  return data[hop!.to.table as Name].some((next) => {
    const joined = hop!.columns.every((column, index) => {
      const left = value(one, column, hop!.asText === true);
      return left !== null && left === value(next, hop!.to.columns[index]!, hop!.asText === true);
    });
    return joined && isMine(data, next, rest);
  });
}

test('a filter selects the rows that any path leads from, whatever the rows, keys and nulls', async () => {
  await sql.unsafe('create schema "odd ""schema"""');
  const name = (table: string) => `"odd ""schema""".${quoteIdentifier(table)}`;
  for (const table of TABLES)
    await sql.unsafe(
      `create table ${name(table)} (n integer, k integer, l integer, u uuid, x text, mail text, tel text)`,
    );
  let matched = 0;
  await fc.assert(
    fc.asyncProperty(fc.tuple(rows, rows, rows), fc.array(path, { maxLength: 3 }), async (data, paths) => {
      const all = Object.fromEntries(TABLES.map((table, index) => [table, data[index]!])) as Rows;
      const fill = TABLES.map(
        (table) => `truncate ${name(table)}; insert into ${name(table)} select * from
          pg_catalog.json_populate_recordset(null::${name(table)}, '${JSON.stringify(all[table].map((one, n) => ({ ...one, n })))}')`,
      );
      await sql.unsafe(fill.join('; ')).simple();
      for (const table of TABLES) {
        const found = await sql.unsafe(
          `select n from ${name(table)} as r where ${subjectFilter(paths, 'r', ME)} order by n`,
        );
        const expected = all[table].flatMap((one, n) => (paths.some((each) => isMine(all, one, each)) ? [n] : []));
        assert.deepEqual(
          found.map(({ n }) => n),
          expected,
        );
        matched += expected.length;
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(matched > 100, `${matched} rows matched`);
});

test('a filter for a person without address matches no empty or missing address', async () => {
  const to = (column: string, by: string): SubjectPath => [
    { columns: [column], to: { schema: 'auth', table: 'users', columns: [by] } },
  ];
  for (const nobody of [
    { ...ME, email: null, phone: null },
    { ...ME, email: '', phone: '' },
  ]) {
    const filter = subjectFilter([to('a', 'email'), to('a', 'phone')], 'r', nobody);
    const found = await sql.unsafe(`select from (values (''), (null), ('x'), ('+')) r (a) where ${filter}`);
    assert.equal(found.length, 0);
  }
  assert.equal((await sql.unsafe(`select where ${subjectFilter([], 'r', ME)}`)).length, 0);
});

test('a filter on a uuid column, and one on a text column, can use their indexes', async () => {
  await sql.unsafe('create table indexed (u uuid, x text, pad text)');
  await sql.unsafe(
    `insert into indexed select gen_random_uuid(), gen_random_uuid()::text, repeat('p', 100) from generate_series(1, 5000)`,
  );
  await sql.unsafe('create index on indexed (u); create index on indexed (x); analyze indexed').simple();
  for (const column of ['u', 'x']) {
    const filter = subjectFilter(
      [[{ columns: [column], to: { schema: 'auth', table: 'users', columns: ['id'] } }]],
      'r',
      ME,
    );
    const plan = await sql.unsafe(`explain select from indexed r where ${filter}`);
    assert.match(plan.map((line) => line['QUERY PLAN']).join('\n'), /Index/, column);
  }
});

test('rows of every type leave exactly as PostgreSQL writes them', async () => {
  for (const statement of everyTypeSql()) await sql.unsafe(statement);
  await sql.unsafe(`alter table types.every add primary key (id), add user_id uuid default '${ME.id}'`);
  const source: SubjectSource = {
    schema: 'types',
    table: 'every',
    category: 'other',
    paths: [[{ columns: ['user_id'], to: { schema: 'auth', table: 'users', columns: ['id'] } }]],
    readAs: 'auto',
    erase: 'delete',
    keepReason: null,
    keepFor: null,
    columns: [],
  };
  const session = await openSession(nodePlatform, database.url);
  try {
    const reading = await openSubjectRows(session, source, ME);
    const found = [];
    for await (const block of reading) found.push(...block.rows);
    assert.deepEqual(
      found.map(({ cells }) => cells),
      await session.query('select * from types.every order by id'),
    );
    assert.deepEqual(
      found.map(({ json }) => [json]),
      await session.query('select row_to_json(e) from types.every e order by id'),
    );
    for (const { json } of found) JSON.parse(json);
    assert.equal(found.length, Math.max(...Object.values(EVERY_TYPE_VALUES).map((values) => values.length)));
  } finally {
    await session.close();
  }
});

test('the reader refuses decisions that the catalogue contradicts, and names table, path and hop', async () => {
  await sql.unsafe('create table owned (id integer primary key, user_id uuid, other_id integer, data jsonb)');
  const me = { columns: ['user_id'], to: { schema: 'auth', table: 'users', columns: ['id'] } };
  const refused = async (paths: unknown, pattern: RegExp, table = 'owned') => {
    await sql`delete from backup.subject_source`;
    await sql`insert into backup.subject_source (schema_name, table_name, decision, category, paths)
      values ('public', ${table}, 'mapped', 'other', ${sql.json(paths as never)})`;
    await assert.rejects(readSubjectSources(sql), (error: Error & { code: string }) => {
      assert.equal(error.code, 'SUBJECT_SOURCE_INVALID');
      assert.match(error.message, pattern);
      return true;
    });
  };
  await refused([[me]], /public\.gone: there is no such table/, 'gone');
  await refused(
    [[{ ...me, columns: ['nobody'] }]],
    /public\.owned, path 1, hop 1: public\.owned has no column 'nobody'/,
  );
  await refused(
    [[me], [{ columns: ['other_id'], to: { schema: 'public', table: 'owned', columns: ['idd'] } }, me]],
    /path 2, hop 1: public\.owned has no column 'idd'/,
  );
  await refused(
    [[{ columns: ['other_id'], to: { schema: 'public', table: 'owned', columns: ['id'] } }]],
    /ends in auth\.users and nowhere before, this is public\.owned/,
  );
  await refused([[me, me]], /hop 1: a path ends in auth\.users and nowhere before/);
  await refused([[{ ...me, to: { ...me.to, columns: ['id', 'email'] } }]], /as many columns on both sides/);
  await refused([[{ ...me, to: { ...me.to, columns: ['role'] } }]], /ends in id, email or phone, not in 'role'/);
  await refused([[{ ...me, key: 'a' }]], /needs a column of type json or jsonb, 'user_id' is uuid/);
  await refused([[]], /must not be empty/);
  await refused(['x'], /a path is a list of hops/);
  await sql`delete from backup.subject_source`;
  await sql`insert into backup.subject_source (schema_name, table_name, decision, category, paths)
    values ('public', 'owned', 'mapped', 'other', ${sql.json([[me], [{ ...me, columns: ['data'], key: 'by' }]] as never)})`;
  await sql`insert into backup.subject_column (schema_name, table_name, column_name, rule) values ('public', 'owned', 'renamed', 'redact')`;
  await assert.rejects(readSubjectSources(sql), /a rule names the column 'renamed'/);
  await sql`delete from backup.subject_column`;
  await sql`update backup.subject_source set erase = 'keep', keep_reason = 'law', keep_for = interval '10 years 3 days'`;
  const { sources, categories } = await readSubjectSources(sql);
  const owned = sources.find(({ table }) => table === 'owned')!;
  assert.equal(owned.keepFor, 'P120M3D');
  assert.deepEqual(
    owned.paths.map(([hop]) => hop!.asText),
    [false, false],
  );
  assert.equal(categories[0]!.name, 'profile');
  // The owner may decide about the Auth server's tables too.
  await sql`insert into backup.subject_source (schema_name, table_name, decision) values ('auth', 'sessions', 'excluded')`;
  const again = await readSubjectSources(sql);
  assert.equal(
    again.sources.some(({ table }) => table === 'sessions'),
    false,
  );
  assert.deepEqual(again.excluded, [{ schema: 'auth', table: 'sessions' }]);
});
