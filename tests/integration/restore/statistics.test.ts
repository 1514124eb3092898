/** Statistics after a restore: rough ones at once, and autovacuum's exact ones to come; exact ones where it is off. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withSql } from '../export/export-harness.ts';
import { RoundTrip } from '../export/round-trip-databases.ts';
import { type MadeBackup, makeBackup, restore } from './restore-harness.ts';

const ROWS = 20_000;
const SCHEMA = `
  create table public."Odd ""one" (id integer primary key, "a ""b" text, twice integer generated always as (id * 2) stored, gone text);
  alter table public."Odd ""one" drop column gone;
  insert into public."Odd ""one" select n, 'value ' || n % 500 from generate_series(1, ${ROWS}) as n;
  create table public.without_columns ();
  insert into public.without_columns default values;
  create table public.left_alone with (autovacuum_enabled = off) as select n as id from generate_series(1, ${ROWS}) as n;`;

let round: RoundTrip;
let backup: MadeBackup;

before(async () => {
  round = await RoundTrip.begin(17);
  backup = await makeBackup(await round.plainDatabase('source_of_statistics', SCHEMA), round);
});
after(() => round.end());

/** Changed rows since the last whole ANALYZE, which is what autovacuum goes by; written by backends within a second. */
async function changedRows(url: string): Promise<number> {
  return await withSql(url, async (sql) => {
    for (let attempt = 0; ; attempt++) {
      const [row] = await sql`
        select n_mod_since_analyze::int as rows from pg_stat_all_tables where relname = ${'Odd "one'}`;
      if (row!.rows > 0 || attempt === 50) return row!.rows;
      await sleep(200);
    }
  });
}

const known = (url: string, name = 'Odd "one') =>
  withSql(url, async (sql) => {
    const rows = await sql`
      select attname, array_length(coalesce(histogram_bounds::text::text[], most_common_vals::text::text[]), 1) as steps
      from pg_stats where tablename = ${name} order by attname`;
    const [table] = await sql`select reltuples::int as rows from pg_class where relname = ${name}`;
    return { columns: rows.map((row) => row.attname), steps: rows.map((row) => row.steps), rows: table!.rows };
  });

test('a restored table has rough statistics of every column at once, and autovacuum still counts all its rows as new', async () => {
  const target = await round.plainDatabase('rough_statistics');
  const report = await restore(backup, target);
  const phase = report.phases.find(({ name }) => name === 'statistics');
  assert.equal(
    phase?.detail,
    '3 tables, roughly: autovacuum makes them exact within minutes; 1 table exactly, which it leaves alone',
  );
  const { columns, steps, rows } = await known(target);
  assert.deepEqual(columns, ['a "b', 'id', 'twice']);
  assert.ok(
    steps.every((count) => count <= 11),
    String(steps),
  );
  assert.equal(rows, ROWS);
  assert.equal(await changedRows(target), ROWS);
  assert.ok((await known(target, 'left_alone')).steps[0]! > 50, 'autovacuum would never make these exact');
});

test('where the server counts no changed rows, which autovacuum goes by, the statistics are exact at once', async () => {
  const target = await round.plainDatabase('uncounted');
  await withSql(target, (sql) => sql`alter database uncounted set track_counts = off`);
  const report = await restore(backup, target);
  assert.equal(report.phases.find(({ name }) => name === 'statistics')?.detail, '3 tables');
  assert.ok((await known(target)).steps.some((count) => count > 50));
});

test('where autovacuum is off, the statistics are exact at once', async () => {
  const target = await round.plainDatabase('exact_statistics');
  await withSql(target, async (sql) => {
    await sql`alter system set autovacuum = off`;
    await sql`select pg_reload_conf()`;
  });
  const report = await restore(backup, target);
  assert.equal(report.phases.find(({ name }) => name === 'statistics')?.detail, '3 tables');
  assert.ok((await known(target)).steps.some((count) => count > 50));
});
