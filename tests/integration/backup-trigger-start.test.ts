import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { startTrigger, type Trigger } from './backup-trigger-harness.ts';

let trigger: Trigger;
before(async () => {
  trigger = await startTrigger();
  await trigger.sql`create type public.mood as enum ('sad', 'happy')`;
  await trigger.sql`create domain public.short as varchar(5) check (value <> 'no')`;
  await trigger.sql`
    create table public.bookings (
      id bigint primary key, at date, mood public.mood, note public.short, data json, tags text[], fixed char(3), flag boolean, "we;ird" int)`;
  await trigger.sql`create table public.events (at timestamptz) partition by range (at)`;
  await trigger.sql`create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01')`;
  await trigger.sql`create schema "odd.schema"`;
  await trigger.sql`create table "odd.schema"."ta""ble" (id int)`;
  await trigger.sql`create materialized view public.totals as select count(*) as n from public.bookings`;
  await trigger.sql`create view public.plain_view as select 1 as one`;
});
after(() => trigger?.close());

const PATH = '/backup-trigger';
const REQUEST = { scope: 'full', cadence: 'manual', reason: 'before the migration' };

async function runCount(): Promise<number> {
  const [row] = await trigger.sql`select count(*)::int as runs from public.backup_log`;
  return row?.runs;
}

test('a full backup starts: a row in the ledger, a task in the queue, a worker called', async () => {
  const { status, headers, body } = await trigger.post(PATH, { ...REQUEST, label: 'Feature/XYZ v2' });
  assert.equal(status, 202);
  assert.match(body.backup_id, /^manual_\d{8}_\d{6}_[0-9a-f]{8}$/);
  assert.equal(body.status, 'in_progress');
  assert.equal(headers.get('location'), `/functions/v1/backup-trigger/backups/${body.backup_id}`);
  const [run] = await trigger.sql`select * from public.backup_log where backup_id = ${body.backup_id}`;
  assert.deepEqual(run?.request, { ...REQUEST, label: 'Feature/XYZ v2' });
  assert.equal(run?.created_by, null);
  const tasks = await trigger.sql`select kind, state from backup.task where backup_id = ${body.backup_id}`;
  assert.deepEqual([...tasks], [{ kind: 'plan', state: 'pending' }]);
  const [calls] =
    await trigger.admin`select count(*)::int as queued from net.http_request_queue where url like '%/backup-worker'`;
  assert.ok(calls?.queued >= 1);
});

test('an admin is remembered as the one who started it', async () => {
  const { body } = await trigger.call(PATH, {
    method: 'POST',
    headers: { authorization: `Bearer ${trigger.tokens.JWT_ADMIN}`, 'content-type': 'application/json' },
    body: JSON.stringify(REQUEST),
  });
  const [run] = await trigger.sql`select created_by from public.backup_log where backup_id = ${body.backup_id}`;
  assert.equal(run?.created_by, trigger.userId('JWT_ADMIN'));
});

test('named tables start with every way to write a name, filters of every kind of type, format and codec', async () => {
  const request = {
    ...REQUEST,
    scope: 'tables',
    tables: ['bookings', 'public.events', '"odd.schema"."ta""ble"'],
    where: [
      { table: 'public.bookings', column: 'at', operator: '>=', value: '2026-01-01' },
      { table: 'bookings', column: 'mood', operator: '=', value: 'happy' },
      { table: 'bookings', column: 'note', operator: '<>', value: 'abcdefgh' },
      { table: 'bookings', column: 'tags', operator: '=', value: '{a,b}' },
      { table: 'bookings', column: 'fixed', operator: '=', value: 'abc' },
      { table: 'bookings', column: 'flag', operator: '=', value: 'true' },
      { table: 'bookings', column: 'we;ird', operator: '<', value: '5' },
      { table: 'events', column: 'at', operator: '<', value: 'infinity' },
    ],
    format: 'json',
    codec: 'gzip',
  };
  const { status, body } = await trigger.post(PATH, request);
  assert.equal(status, 202, JSON.stringify(body));
  const [run] = await trigger.sql`select request from public.backup_log where backup_id = ${body.backup_id}`;
  assert.deepEqual(run?.request, request);
});

test('every unknown table and every wrong filter is named in one answer, and nothing starts', async () => {
  const runs = await runCount();
  const { status, body } = await trigger.post(PATH, {
    ...REQUEST,
    scope: 'tables',
    tables: [
      'bookings',
      'no_such',
      'odd.schema',
      'totals',
      'plain_view',
      'pg_catalog.pg_class',
      'backup.task',
      'cron.job',
      'auth.schema_migrations',
      'BOOKINGS',
    ],
    where: [
      { table: 'bookings', column: 'nothing', operator: '=', value: '1' },
      { table: 'bookings', column: 'ctid', operator: '=', value: '(0,1)' },
      { table: 'bookings', column: 'id', operator: '=', value: 'one' },
      { table: 'bookings', column: 'at', operator: '<', value: '2026-02-30' },
      { table: 'bookings', column: 'mood', operator: '=', value: 'furious' },
      { table: 'bookings', column: 'data', operator: '=', value: '{}' },
      { table: 'events', column: 'at', operator: '<', value: '2026-01-01' },
      { table: 'bookings', column: 'flag', operator: '=', value: 'banana' },
    ],
  });
  assert.equal(status, 400);
  assert.equal(body.error.code, 'TABLE_UNKNOWN');
  const fields = body.error.details.problems.map(
    (problem: { field: string; code: string }) => `${problem.field} ${problem.code}`,
  );
  assert.deepEqual(fields, [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((index) => `tables[${index}] TABLE_UNKNOWN`),
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((index) => `where[${index}] WHERE_INVALID`),
  ]);
  assert.match(body.error.message, /type json has no operator =/);
  assert.match(body.error.message, /totals is a materialized view/);
  assert.equal(await runCount(), runs);
});

test('a filter of a full backup may name any table, and one of the critical tables only those', async () => {
  const where = [{ table: 'bookings', column: 'id', operator: '<', value: '100' }];
  assert.equal((await trigger.post(PATH, { ...REQUEST, where })).status, 202);
  assert.equal((await trigger.post(PATH, { ...REQUEST, scope: 'critical', where })).status, 202);
  const other = [{ table: '"odd.schema"."ta""ble"', column: 'id', operator: '<', value: '100' }];
  const { status, body } = await trigger.post(PATH, { ...REQUEST, scope: 'critical', where: other });
  assert.equal(status, 400);
  assert.equal(body.error.code, 'WHERE_INVALID');
});

test('a body that breaks rules is answered with all of them', async () => {
  const { status, body } = await trigger.post(PATH, {
    scope: 'everything',
    cadence: 'sometimes',
    reason: ' ',
    label: 'a\u0007b',
    format: 'xml',
    codec: 'rar',
    where: [{ table: 'a.b.c', column: '', operator: 'like', value: 5 }],
    sql: 'drop table',
  });
  assert.equal(status, 400);
  assert.equal(body.error.code, 'REQUEST_INVALID');
  const fields = body.error.details.problems.map((problem: { field: string }) => problem.field);
  for (const field of [
    'scope',
    'cadence',
    'reason',
    'label',
    'format',
    'codec',
    'where[0].table',
    'where[0].column',
    'where[0].operator',
    'where[0].value',
    '',
  ]) {
    assert.ok(fields.includes(field), `${field} in ${fields}`);
  }
});

test('tables and scope must agree', async () => {
  for (const body of [
    { ...REQUEST, scope: 'tables' },
    { ...REQUEST, tables: ['bookings'] },
    { ...REQUEST, scope: 'tables', tables: [] },
  ]) {
    assert.equal((await trigger.post(PATH, body)).status, 400);
  }
});

test('SQL in any text stays text', async () => {
  const evil = [
    "'; drop table public.bookings; --",
    '"; drop table public.bookings; --',
    '$$',
    '\\',
    "x' or '1'='1",
    '%s',
    '{{}}',
  ];
  for (const text of evil) {
    assert.equal((await trigger.post(PATH, { ...REQUEST, scope: 'tables', tables: [text] })).status, 400);
    const where = [{ table: 'bookings', column: text, operator: '=', value: '1' }];
    assert.equal((await trigger.post(PATH, { ...REQUEST, where })).status, 400);
    const value = [{ table: 'bookings', column: 'id', operator: '=', value: text }];
    assert.equal((await trigger.post(PATH, { ...REQUEST, where: value })).status, 400);
    const { body } = await trigger.post(PATH, {
      ...REQUEST,
      reason: text,
      where: [{ table: 'bookings', column: 'note', operator: '=', value: text }],
    });
    const [run] = await trigger.sql`select reason from public.backup_log where backup_id = ${body.backup_id}`;
    assert.equal(run?.reason, text);
  }
  assert.equal((await trigger.sql`select to_regclass('public.bookings')::text as found`)[0]?.found, 'bookings');
});

test('any text at all is answered with 202 or 400, never with a crash', async () => {
  const anyText = fc.string({ unit: 'binary', maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(anyText, anyText, anyText, anyText, async (reason, table, column, value) => {
      const { status } = await trigger.post(PATH, {
        ...REQUEST,
        reason,
        where: [
          { table, column, operator: '=', value },
          { table: 'bookings', column: 'note', operator: '=', value },
        ],
      });
      assert.ok(status === 400 || status === 202, `${status}`);
    }),
    { numRuns: 60 },
  );
});

test('malformed, wrongly typed, deep and huge bodies are refused before anything is done', async () => {
  const headers = { apikey: trigger.keys.serviceRoleKey, 'content-type': 'application/json' };
  const send = (body: BodyInit, extra: Record<string, string> = {}) =>
    trigger.call(PATH, { method: 'POST', headers: { ...headers, ...extra }, body });
  const runs = await runCount();
  const text = JSON.stringify(REQUEST);
  const refused: [string, Promise<{ status: number; body: { error: { code: string } } }>, string][] = [
    ['malformed', send('{"scope": '), 'REQUEST_INVALID'],
    ['empty', send(''), 'REQUEST_INVALID'],
    ['array', send('[]'), 'REQUEST_INVALID'],
    ['null', send('null'), 'REQUEST_INVALID'],
    ['number', send('1'), 'REQUEST_INVALID'],
    ['deep', send('['.repeat(30_000)), 'REQUEST_INVALID'],
    ['deep and closed', send('['.repeat(30_000) + ']'.repeat(30_000)), 'REQUEST_INVALID'],
    ['deep value', send(`{"scope":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`), 'REQUEST_INVALID'],
    ['prototype', send(`{"__proto__":{"scope":"full"},"cadence":"manual","reason":"x"}`), 'REQUEST_INVALID'],
    ['text/plain', send(text, { 'content-type': 'text/plain' }), 'REQUEST_INVALID'],
    ['form', send('scope=full', { 'content-type': 'application/x-www-form-urlencoded' }), 'REQUEST_INVALID'],
    ['2 MB', send(JSON.stringify({ ...REQUEST, reason: 'x'.repeat(2_000_000) })), 'REQUEST_TOO_LARGE'],
    ['2 MB by its length', send(text, { 'content-length': '2000000' }), 'REQUEST_TOO_LARGE'],
    ['zero byte', send(JSON.stringify({ ...REQUEST, reason: 'a\0b' })), 'REQUEST_INVALID'],
    ['half a surrogate pair', send('{"scope":"full","cadence":"manual","reason":"\\ud800"}'), 'REQUEST_INVALID'],
    ['query', trigger.post(`${PATH}?dry_run=true`, REQUEST), 'REQUEST_INVALID'],
  ];
  for (const [name, answer, code] of refused) {
    const { status, body } = await answer;
    assert.equal(body.error.code, code, name);
    assert.equal(status, code === 'REQUEST_TOO_LARGE' ? 413 : 400, name);
  }
  assert.equal(await runCount(), runs);
});

test('before backup.configure() was called the answer says what to run', async () => {
  const fresh = await startTrigger({ configured: false });
  try {
    const { status, body } = await fresh.post(PATH, REQUEST);
    assert.equal(status, 500);
    assert.equal(body.error.code, 'FUNCTIONS_URL_UNKNOWN');
    assert.match(body.error.hint, /backup\.configure/);
    assert.equal((await fresh.sql`select from public.backup_log`).length, 0);
  } finally {
    await fresh.close();
  }
});

test('without our migrations the answer says that they are missing', async () => {
  const bare = await startTrigger();
  try {
    await bare.sql`drop schema backup cascade`;
    const { status, body } = await bare.post(PATH, REQUEST);
    assert.equal(status, 500);
    assert.equal(body.error.code, 'MIGRATIONS_MISSING');
  } finally {
    await bare.close();
  }
});
