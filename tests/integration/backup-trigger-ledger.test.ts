import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { insertRun, startTrigger, type Trigger } from './backup-trigger-harness.ts';

let trigger: Trigger;
before(async () => {
  trigger = await startTrigger();
});
after(() => trigger?.close());

const LIST = '/backup-trigger/backups';
const REQUEST = { scope: 'full', cadence: 'manual', reason: 'test' };

async function start(): Promise<string> {
  return (await trigger.post('/backup-trigger', REQUEST)).body.backup_id;
}

test('paging shows every backup once, newest first, also with equal times and while new ones arrive', async () => {
  const own = await startTrigger();
  try {
    const ids: string[] = [];
    for (let index = 0; index < 7; index += 1) {
      // Two share a microsecond, others differ by one: a cursor in milliseconds would lose or repeat them.
      ids.push(await insertRun(own.sql, { startedAt: `2026-01-14T02:00:00.00000${Math.floor(index / 2)}Z` }));
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page === 0 || cursor !== null; page += 1) {
      const { status, body } = await own.get(`${LIST}?limit=2${cursor ? `&cursor=${cursor}` : ''}`);
      assert.equal(status, 200);
      assert.ok(body.backups.length <= 2);
      seen.push(...body.backups.map((run: { backup_id: string }) => run.backup_id));
      cursor = body.next_cursor;
      await insertRun(own.sql, { startedAt: '2026-02-01T00:00:00Z' });
    }
    assert.deepEqual([...seen].sort(), [...ids].sort());
    const [{ expected }] = (await own.sql`
      select array_agg(backup_id order by started_at desc, backup_id desc) as expected
      from public.backup_log where backup_id = any(${ids})`) as unknown as [{ expected: string[] }];
    assert.deepEqual(seen, expected);
  } finally {
    await own.close();
  }
});

test('filters narrow the list', async () => {
  const own = await startTrigger();
  try {
    const daily = await insertRun(own.sql, { cadence: 'daily', startedAt: '2026-01-10T00:00:00Z' });
    const failed = await insertRun(own.sql, { cadence: 'weekly', status: 'failed', startedAt: '2026-01-11T00:00:00Z' });
    const last = await insertRun(own.sql, { cadence: 'weekly', startedAt: '2026-01-12T00:00:00Z' });
    const ids = async (query: string) =>
      (await own.get(`${LIST}?${query}`)).body.backups.map((run: { backup_id: string }) => run.backup_id);
    assert.deepEqual(await ids('status=failed'), [failed]);
    assert.deepEqual(await ids('cadence=weekly'), [last, failed]);
    assert.deepEqual(await ids('cadence=weekly&status=completed'), [last]);
    assert.deepEqual(await ids('since=2026-01-11'), [last, failed]);
    assert.deepEqual(await ids('until=2026-01-11T01:00:00%2B01:00'), [daily]);
    assert.deepEqual(await ids('since=2026-01-11T00:00:00Z&until=2026-01-12T00:00:00Z'), [failed]);
    assert.deepEqual(await ids('cadence=yearly'), []);
  } finally {
    await own.close();
  }
});

test('wrong queries are refused with every problem', async () => {
  const bad = [
    'limit=0',
    'limit=101',
    'limit=1.5',
    'limit=all',
    'limit=1&limit=2',
    'cursor=xyz',
    `cursor=${btoa('{"startedAtUs":"now()","backupId":"x"}')}`,
    `cursor=${btoa('{"startedAtUs":1e300,"backupId":"x"}')}`,
    `cursor=${btoa('{"startedAtUs":1,"backupId":"a\\u0000"}')}`,
    `cursor=${btoa('{"startedAtUs":1,"backupId":"a","sql":""}')}`,
    'since=0000-01-01',
    'status=done',
    'cadence=x',
    'since=yesterday',
    'until=2026-13-01',
    'since=2026-01-01T00:00:00',
    'sort=asc',
  ];
  for (const query of bad) {
    const { status, body } = await trigger.get(`${LIST}?${query}`);
    assert.equal(status, 400, query);
    assert.equal(body.error.code, 'REQUEST_INVALID', query);
  }
  const { body } = await trigger.get(`${LIST}?limit=0&status=done&sort=asc`);
  assert.equal(body.error.details.problems.length, 3);
});

test('every time that is well formed is understood', async () => {
  for (const time of ['0001-01-01', '9999-12-31', '2026-01-01T00:00:00%2B23:59', '2026-01-01T00:00:00.123456789Z']) {
    assert.equal((await trigger.get(`${LIST}?since=${time}&until=${time}`)).status, 200, time);
  }
  const farthest = btoa(JSON.stringify({ startedAtUs: Number.MAX_SAFE_INTEGER, backupId: 'x' }));
  assert.equal((await trigger.get(`${LIST}?cursor=${farthest}`)).status, 200);
});

test('a backup in progress shows its tables, rate and end', async () => {
  const id = await insertRun(trigger.sql, {
    status: 'in_progress',
    startedAt: new Date(Date.now() - 20_000).toISOString(),
  });
  await trigger.sql`
    insert into backup.run_table (backup_id, schema_name, table_name, estimated_bytes, estimated_rows, slices, facts)
    values (${id}, 'public', 'big', 4000, 400, 4, '{}'), (${id}, 'public', 'small', 1000, 10, 1, '{}')`;
  const slices = (parts: string[]) => ({
    slices: parts.map((part) => ({ schema: 'public', name: 'big', slice: { part, estimatedBytes: 1000 } })),
  });
  await trigger.sql`
    insert into backup.task (backup_id, kind, state, payload, created_at) values
      (${id}, 'copy', 'done', ${trigger.sql.json(slices(['0001', '0002']))}, now() - interval '10 seconds'),
      (${id}, 'copy', 'pending', ${trigger.sql.json(slices(['0003', '0004.1', '0004.2']))}, now())`;
  await trigger.sql`
    insert into backup.segment (backup_id, path, kind, schema_name, table_name, part, row_count, raw_bytes, stored_bytes, sha256)
    values (${id}, 'a', 'segment', 'public', 'big', '0001', 90, 2000, 700, 'x'),
           (${id}, 'b', 'segment', 'public', 'big', '0002', 110, 2000, 800, 'x'),
           (${id}, 'c', 'pre-data', null, null, null, null, 5000, 500, 'x')`;
  const { status, body } = await trigger.get(`${LIST}/${id}`);
  assert.equal(status, 200);
  assert.equal(body.status, 'in_progress');
  assert.deepEqual(body.progress.tables, [
    {
      schema: 'public',
      table: 'big',
      estimated_bytes: 4000,
      copied_bytes: 4000,
      estimated_rows: 400,
      copied_rows: 200,
      slices_done: 2,
      slices_total: 5,
    },
    {
      schema: 'public',
      table: 'small',
      estimated_bytes: 1000,
      copied_bytes: 0,
      estimated_rows: 10,
      copied_rows: 0,
      slices_done: 0,
      slices_total: 1,
    },
  ]);
  assert.equal(body.progress.copied_bytes, 4000);
  assert.equal(body.progress.stored_bytes, 2000);
  assert.ok(Math.abs(body.progress.bytes_per_second - 400) < 60, `${body.progress.bytes_per_second}`);
  // 5000 expected, 3000 of them open; 4000 came where 2000 were expected: 6000 remain, 15 s at 400 a second.
  const remainingMs = Date.parse(body.progress.estimated_end) - Date.now();
  assert.ok(Math.abs(remainingMs - 15_000) < 8000, `${remainingMs}`);
});

test('a backup that has just begun has no rate and no end, and one that failed shows why', async () => {
  const queued = await trigger.get(`${LIST}/${await start()}`);
  assert.equal(queued.body.progress.bytes_per_second, null);
  assert.equal(queued.body.progress.estimated_end, null);
  const failed = await insertRun(trigger.sql, { status: 'failed' });
  await trigger.sql`update public.backup_log set error = '{"code": "KEEPER_LOST", "message": "gone"}' where backup_id = ${failed}`;
  const { body } = await trigger.get(`${LIST}/${failed}`);
  assert.equal(body.error.code, 'KEEPER_LOST');
  assert.equal(body.progress.estimated_end, null);
});

test('unknown ids and path tricks are 404 or 400 and touch nothing', async () => {
  const tricks = [
    'manual_20260114_020000_00000000',
    '..',
    '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
    "x'%20or%20'1'='1",
    '%25',
    '%00',
    '%ff',
    'x'.repeat(201),
    '*',
    '%F0%9F%92%BE',
  ];
  for (const trick of tricks) {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/download'],
      ['POST', '/cancel'],
      ['POST', '/verify'],
    ] as const) {
      const headers = { apikey: trigger.keys.serviceRoleKey, 'content-type': 'application/json' };
      const { status, body } = await trigger.call(`${LIST}/${trick}${path}`, {
        method,
        headers,
        ...(method === 'POST' ? { body: path === '/verify' ? '{"kind":"quick"}' : '{}' } : {}),
      });
      assert.ok(
        status === 404 || status === 400 || status === 405,
        `${method} ${trick}${path}: ${status} ${JSON.stringify(body)}`,
      );
    }
  }
});

test('a wrong method is 405 with the right ones, an unknown route 404, and OPTIONS 204 for everybody', async () => {
  const headers = { apikey: trigger.keys.serviceRoleKey };
  for (const [method, path, allow] of [
    ['DELETE', LIST, 'GET, HEAD'],
    ['PUT', '/backup-trigger', 'POST'],
    ['GET', '/backup-trigger', 'POST'],
    ['GET', `${LIST}/x/cancel`, 'POST'],
    ['POST', `${LIST}/x/download`, 'GET, HEAD'],
  ] as const) {
    const answer = await trigger.call(path, { method, headers });
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal(answer.headers.get('allow'), allow);
    assert.equal(answer.body.error.code, 'METHOD_NOT_ALLOWED');
  }
  for (const path of [
    '/',
    '/backup-triggerx',
    `${LIST}/`,
    `${LIST}/x/y`,
    '/backup-worker',
    '//backup-trigger/backups',
  ]) {
    const answer = await trigger.call(path, { headers });
    assert.equal(answer.status, 404, path);
    assert.equal(answer.body.error.code, 'NOT_FOUND');
  }
  const options = await trigger.call(LIST, { method: 'OPTIONS' });
  assert.equal(options.status, 204);
  assert.equal(options.headers.get('access-control-allow-origin'), null);
  assert.equal((await trigger.call(LIST, { headers })).headers.get('cache-control'), 'no-store');
});

test('a backup in progress is cancelled, once, and a task cleans up after it', async () => {
  const id = await start();
  const headers = { authorization: `Bearer ${trigger.tokens.JWT_ADMIN}` };
  const { status, body } = await trigger.call(`${LIST}/${id}/cancel`, { method: 'POST', headers });
  assert.equal(status, 200);
  assert.deepEqual(body, { backup_id: id, status: 'cancelled' });
  const [run] = await trigger.sql`select status, error from public.backup_log where backup_id = ${id}`;
  assert.equal(run?.status, 'cancelled');
  assert.equal(run?.error.by, trigger.userId('JWT_ADMIN'));
  const tasks = await trigger.sql`select kind, state from backup.task where backup_id = ${id} order by id`;
  assert.deepEqual(
    [...tasks],
    [
      { kind: 'plan', state: 'cancelled' },
      { kind: 'clean', state: 'pending' },
    ],
  );
  const again = await trigger.post(`${LIST}/${id}/cancel`);
  assert.equal(again.status, 409);
  assert.equal(again.body.error.code, 'RUN_NOT_ACTIVE');
});

test('of two cancellations at the same time one wins and the other is told', async () => {
  const id = await start();
  const answers = await Promise.all([trigger.post(`${LIST}/${id}/cancel`), trigger.post(`${LIST}/${id}/cancel`)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
});

test('a completed backup is verified on demand, and shows the verification', async () => {
  const id = await insertRun(trigger.sql);
  const { status, body } = await trigger.post(`${LIST}/${id}/verify`, { kind: 'deep' });
  assert.equal(status, 202);
  const [task] = await trigger.sql`select payload from backup.task where verification_id = ${body.verification_id}`;
  assert.deepEqual(task?.payload, { kind: 'deep', plan: true });
  const shown = (await trigger.get(`${LIST}/${id}`)).body.verification;
  assert.equal(shown.verification_id, body.verification_id);
  assert.equal(shown.kind, 'deep');
  assert.equal(shown.state, 'in_progress');
});

test('what is not completed cannot be verified, and a kind must be named', async () => {
  for (const status of ['in_progress', 'failed', 'cancelled']) {
    const answer = await trigger.post(`${LIST}/${await insertRun(trigger.sql, { status })}/verify`, { kind: 'quick' });
    assert.equal(answer.status, 409, status);
    assert.equal(answer.body.error.code, 'RUN_NOT_COMPLETE');
  }
  const id = await insertRun(trigger.sql);
  for (const body of [{}, { kind: 'full' }, { kind: 'quick', by: 'me' }]) {
    assert.equal((await trigger.post(`${LIST}/${id}/verify`, body)).status, 400);
  }
});
