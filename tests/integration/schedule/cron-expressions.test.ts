/** Cron expressions in SQL, against croner: the same times for the same text, and clear words for what is none. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cron } from 'croner';
import fc from 'fast-check';
import postgres from 'postgres';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

let database: TestDatabase;
let sql: postgres.Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = postgres(database.url, { max: 1, onnotice: () => {} });
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

const TIMES = 25;
const FIRST = Date.UTC(2024, 0, 1);
const LAST = Date.UTC(2033, 0, 1);

/** Vixie's rule, which pg_cron keeps: a day field that begins with * asks for nothing, so both must fit. */
function oracle(cron: string): Cron {
  const [, , day, , weekday] = cron.split(' ');
  const domAndDow = day!.startsWith('*') || weekday!.startsWith('*');
  return new Cron(cron.replace('$', 'L'), { timezone: 'UTC', mode: '5-part', domAndDow });
}

function field(low: number, high: number, names: readonly string[] = []): fc.Arbitrary<string> {
  const value = fc.integer({ min: low, max: high });
  const written = (n: number) => fc.constantFrom(String(n), ...(names[n - low] ? [names[n - low]!] : []));
  const range = fc
    .tuple(value, value)
    .map(([a, b]) => (a < b ? [a, b] : [b, a]) as [number, number])
    .chain(([a, b]) => fc.tuple(written(a), written(b)));
  const step = fc.integer({ min: 1, max: Math.min(12, high - low) });
  const item = fc.oneof(
    { weight: 4, arbitrary: value.chain(written) },
    { weight: 2, arbitrary: range.map(([a, b]) => `${a}-${b}`) },
    { weight: 1, arbitrary: fc.tuple(range, step).map(([[a, b], s]) => `${a}-${b}/${s}`) },
  );
  return fc.oneof(
    { weight: 3, arbitrary: fc.constant('*') },
    { weight: 1, arbitrary: step.map((s) => `*/${s}`) },
    { weight: 5, arbitrary: fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join(',')) },
  );
}

const MONTHS = ['jan', 'Feb', 'MAR', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'Mon', 'TUE', 'wed', 'thu', 'fri', 'sat'];
const expression = fc
  .tuple(
    field(0, 59),
    field(0, 23),
    fc.oneof({ weight: 6, arbitrary: field(1, 31) }, { weight: 1, arbitrary: fc.constant('$') }),
    field(1, 12, MONTHS),
    field(0, 7, WEEKDAYS),
  )
  // croner alone takes a sun that ends a range for 7; to pg_cron the name is 0 wherever it stands.
  .map((fields) => fields.join(' ').replace(/-sun/gi, '-0'));

test('the times of any expression are those that croner finds, one by one and as a list', async () => {
  await fc.assert(
    fc.asyncProperty(expression, fc.integer({ min: FIRST, max: LAST }), async (cron, startMs) => {
      const start = new Date(startMs);
      const expected = oracle(cron).nextRuns(TIMES, start);
      const found = await sql<{ at: Date }[]>`
        with recursive due as (
          select backup.cron_next(${cron}, ${start}) as at, 1 as n
          union all select backup.cron_next(${cron}, at), n + 1 from due where n < ${TIMES} and at is not null)
        select at from due where at is not null`;
      const near = expected.filter((at) => at.getTime() < startMs + 40 * 366 * 86_400_000);
      assert.deepEqual(
        found.slice(0, near.length).map(({ at }) => at.toISOString()),
        near.map((at) => at.toISOString()),
      );
      const until = near.at(-1);
      if (until === undefined) return;
      const listed = await sql<{ at: Date }[]>`select at from backup.cron_due(${cron}, ${start}, ${until}) as at`;
      assert.deepEqual(
        listed.map(({ at }) => at.toISOString()),
        near.map((at) => at.toISOString()),
      );
    }),
    { numRuns: 400 },
  );
});

test('the list leaves out its beginning and has its end, so that lists that follow each other have each time once', async () => {
  const due = async (after: string, until: string) =>
    (
      await sql`select at from backup.cron_due('0 * * * *', ${after}::text::timestamptz, ${until}::text::timestamptz) as at`
    ).map(({ at }) => at.getUTCHours());
  assert.deepEqual(await due('2026-01-14T02:00:00Z', '2026-01-14T04:00:00Z'), [3, 4]);
  assert.deepEqual(await due('2026-01-14T04:00:00Z', '2026-01-14T05:59:59Z'), [5]);
  assert.deepEqual(await due('2026-01-14T04:00:00Z', '2026-01-14T04:00:00Z'), []);
  await assert.rejects(due('2026-01-14T04:00:00Z', 'infinity'), { code: '22023' });
});

test("the session's time zone changes nothing", async () => {
  const [row] = await sql.begin(async (own) => {
    await own`set local timezone = 'America/New_York'`;
    return own`select backup.cron_next('30 2 * * *', '2026-03-07T12:00:00Z') as at`;
  });
  assert.equal(row!.at.toISOString(), '2026-03-08T02:30:00.000Z');
});

test('a yearly expression costs no walk over its minutes', async () => {
  const started = Date.now();
  const rows =
    await sql`select at from backup.cron_due('0 5 1 1 *', '2000-01-01T12:00:00Z', '2100-01-01T12:00:00Z') as at`;
  assert.equal(rows.length, 100);
  assert.ok(Date.now() - started < 30_000, `${Date.now() - started} ms for a hundred years`);
});

const REFUSED: readonly (readonly [string, RegExp, RegExp])[] = [
  ['0 2 * *', /has 5 fields: 0 2 \* \*/, /minute hour day-of-month month day-of-week/],
  ['', /has 5 fields/, /02:00 every day/],
  ['@daily', /has 5 fields/, /02:00 every day/],
  ['60 * * * *', /minute .* from 0 to 59, .*: 60/, /Fields/],
  ['0 24 * * *', /hour .* from 0 to 23, .*: 24/, /Fields/],
  ['0 0 0 * *', /day of month .* from 1 to 31, .*: 0/, /Fields/],
  ['0 0 * 13 *', /month .* from 1 to 12 or a name such as feb, .*: 13/, /Fields/],
  ['0 0 * * 8', /day of week .* from 0 to 7 or a name such as mon, .*: 8/, /Fields/],
  ['mon * * * *', /minute .*: mon/, /Fields/],
  ['1,,2 * * * *', /minute .*: 1,,2/, /Fields/],
  ['-1 * * * *', /minute .*: -1/, /Fields/],
  ['0 0 L * *', /day of month .*: L/, /Fields/],
  ['0 0 $,1 * *', /day of month .*: \$,1/, /Fields/],
  ['5/15 * * * *', /step in the minute .* needs a range: 5\/15/, /Write 5-59\/15; pg_cron would read 5\/15 as 5\./],
  ['*/0 * * * *', /step in the minute .* from 1 to 60: \*\/0/, /\*\/15/],
  ['*/61 * * * *', /step in the minute .* from 1 to 60/, /\*\/15/],
  ['0 22-2 * * *', /range in the hour .* must not go backwards: 22-2/, /Write two ranges: 22-23,0-2\./],
  ['0 0 * * fri-sun', /range in the day of week .* backwards: fri-sun/, /Sunday is 7/],
  ['0 0 30 feb *', /must be due some day: 0 0 30 feb \*/, /The last day of a month is \$/],
  ["0 0 * * 1'; drop table x", /has 5 fields/, /Fields/],
];

for (const [cron, message, hint] of REFUSED) {
  test(`'${cron}' is refused in words that help`, async () => {
    await assert.rejects(sql`select backup.check_cron(${cron})`, (error: postgres.PostgresError) => {
      assert.equal(error.code, '22023');
      assert.match(error.message, message);
      assert.match(error.hint ?? '', hint);
      return true;
    });
  });
}

test('no row of a schedule can have an expression that is none', async () => {
  await assert.rejects(sql`update backup.schedule set cron = '0 25 * * *' where name = 'daily-full'`, {
    code: '22023',
  });
});
