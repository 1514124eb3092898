/** What a series of full backups says of its tables: losses are emergencies, growth never is one. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Sql } from 'postgres';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { ask, later, openAs } from './health-harness.ts';

let database: TestDatabase;
let sql: Sql;
let day = 0;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'holdfast' });
  sql = openAs(database.url);
});

beforeEach(async () => {
  await sql`truncate public.backup_log, backup.run_table, backup.segment, backup.health_state`;
  day = 0;
});

after(async () => {
  await sql?.end();
  await database?.drop();
});

/** The next day's full backup: rows of each table; of partitions with the name of their partitioned table. */
async function backUp(tables: Record<string, number>, partitionsOf: string | null = null): Promise<void> {
  day += 1;
  const id = `daily_${day}`;
  await sql`
    insert into public.backup_log (backup_id, backup_type, folder, started_at, completed_at, status, request)
    select ${id}, 'daily', ${`backups/${id}`}, at, at, 'completed', '{"scope": "full"}'
    from (select now() + ${day} * interval '1 day' as at) as t`;
  for (const [name, rows] of Object.entries(tables)) {
    const root =
      partitionsOf !== null && name.startsWith(partitionsOf) ? { schema: 'public', name: partitionsOf } : null;
    await sql`
      insert into backup.run_table (backup_id, schema_name, table_name, estimated_bytes, estimated_rows, slices, facts)
      values (${id}, 'public', ${name}, 0, 0, 1, ${sql.json({ persistence: 'p', partitionRoot: root })})`;
    if (rows === 0) continue;
    await sql`
      insert into backup.segment (backup_id, path, kind, schema_name, table_name, row_count, raw_bytes, stored_bytes, sha256)
      values (${id}, ${name}, 'segment', 'public', ${name}, ${rows}, ${rows * 40}, ${rows * 10}, 'x')`;
  }
}

async function look(): Promise<{ verdict: string; detail: string }> {
  const { state, severity, detail } = await ask(sql, 'table_anomalies', { now: later(24 * (day + 1)) });
  return { verdict: state === 'unhealthy' ? severity : state, detail };
}

test('a table that was empty for a month and comes into use raises nothing, day after day', async () => {
  for (let n = 0; n < 30; n += 1) await backUp({ orders: 0, users: 50 });
  for (let n = 1; n <= 40; n += 1) {
    await backUp({ orders: n * 100, users: 50 });
    const { verdict, detail } = await look();
    assert.equal(verdict, 'healthy', `day ${n}: ${detail}`);
  }
});

test('growth out of all proportion is a warning on the day on which it comes', async () => {
  for (let n = 0; n < 10; n += 1) await backUp({ orders: 100 });
  await backUp({ orders: 5000 });
  const grown = await look();
  assert.deepEqual([grown.verdict, grown.detail], ['warning', 'public.orders: has 5000 rows; it had 100']);
  await backUp({ orders: 5100 });
  assert.equal((await look()).verdict, 'healthy');
});

test('what is lost stays an emergency, and is named before what has grown', async () => {
  for (let n = 0; n < 10; n += 1) await backUp({ a_grows: 100, b_shrinks: 100, c_empties: 100, d_goes: 100 });
  await backUp({ a_grows: 5000, b_shrinks: 10, c_empties: 0 });
  const line = await ask(sql, 'table_anomalies', { now: later(24 * (day + 1)) });
  assert.deepEqual([line.state, line.severity], ['unhealthy', 'critical']);
  assert.deepEqual(
    line.items.map(({ name, detail }) => `${name} ${detail}`),
    [
      'public.b_shrinks has shrunk to 10 rows; it had 100',
      'public.c_empties is empty; it had 100 rows',
      'public.d_goes is gone; it had 100 rows',
      'public.a_grows has 5000 rows; it had 100',
    ],
  );
});

test('a table that loses a third of its rows, as it never did, is an emergency', async () => {
  for (let n = 0; n < 10; n += 1) await backUp({ orders: 100 });
  await backUp({ orders: 65 });
  assert.deepEqual(await look(), { verdict: 'critical', detail: 'public.orders: has 65 rows; it had 100' });
});

test('an old partition that is dropped is no loss; all partitions are one, and so is a table beside them', async () => {
  for (let n = 0; n < 6; n += 1) await backUp({ events_1: 100, events_2: 100, users: 50 }, 'events');
  await backUp({ events_2: 100, events_3: 0, users: 50 }, 'events');
  const rotated = await look();
  assert.equal(rotated.verdict, 'healthy', rotated.detail);
  await backUp({ events_2: 100, events_3: 0 }, 'events');
  assert.deepEqual(await look(), { verdict: 'critical', detail: 'public.users: is gone; it had 50 rows' });
  await backUp({ notes: 5 }, 'events');
  assert.deepEqual(await look(), { verdict: 'critical', detail: 'public.events_2: is gone; it had 100 rows' });
});
