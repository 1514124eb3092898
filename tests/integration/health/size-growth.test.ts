/** Growth of the database is measured each day, without any backup; the sizes are those of a real database. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sql } from 'postgres';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, openAs } from './health-harness.ts';

/** One moment for all tests of the file: samples are of days, and midnight may pass while it runs. */
const START = Date.now();
const onDay = (day: number) => new Date(START + day * 86_400_000);

let database: TestDatabase;
let sql: Sql;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
  await sql`create table public.notes (id bigint generated always as identity, note text)`;
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

/** About 2 MB for each thousand. */
const write = (rows: number) => sql`
  insert into public.notes (note) select string_agg(md5(random()::text), '') from generate_series(1, ${rows}) as i, generate_series(1, 50) group by i`;

const measure = (day: number) => sql`select backup.measure_sizes(${onDay(day)})`;

test('a week is needed before anything is said, and a database that rests is healthy', async () => {
  for (let day = -20; day < -16; day += 1) await measure(day);
  const early = await ask(sql, 'size_growth', { now: onDay(-16) });
  assert.equal(early.state, 'inconclusive', early.detail);
  for (let day = -16; day <= 0; day += 1) await measure(day);
  const line = await ask(sql, 'size_growth', { now: onDay(0) });
  assert.deepEqual(
    [line.state, line.items.map(({ name, state }) => `${name} ${state}`)],
    ['healthy', ['backups inconclusive', 'database healthy']],
  );
});

test('one day has one sample, however often the heartbeat comes', async () => {
  const count = async () => (await sql`select count(*)::int as count from backup.size_sample`)[0]!.count;
  const before = await count();
  await Promise.all([measure(0), measure(0), measure(0)]);
  assert.equal(await count(), before);
});

test('a database that really grows day by day is a warning, and one that came to rest is none', async () => {
  for (let day = 1; day <= 12; day += 1) {
    await write(500);
    await measure(day);
  }
  const grown = await ask(sql, 'size_growth', { now: onDay(12) });
  assert.deepEqual([grown.state, grown.severity], ['unhealthy', 'warning'], grown.detail);
  assert.ok(grown.value! > 50, grown.detail);
  assert.match(grown.detail, /^in 30 days, the database by [\d.]+ %$/);
  for (let day = 13; day <= 50; day += 1) await measure(day);
  const rested = await ask(sql, 'size_growth', { now: onDay(50) });
  assert.equal(rested.state, 'healthy', rested.detail);
});

test('one odd day does not count', async () => {
  await write(12_000);
  await measure(51);
  await sql`truncate public.notes`;
  for (let day = 52; day <= 60; day += 1) await measure(day);
  const line = await ask(sql, 'size_growth', { now: onDay(60) });
  assert.equal(line.state, 'healthy', line.detail);
});

test('samples older than the history are removed', async () => {
  await measure(500);
  const [row] =
    await sql`select min(day) >= (${onDay(99)}::timestamptz at time zone 'UTC')::date as young, count(*)::int as count from backup.size_sample`;
  assert.deepEqual([row!.young, row!.count], [true, 1]);
});
