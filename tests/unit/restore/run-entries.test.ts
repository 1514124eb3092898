import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, type HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { entryKey, type RunEntries, runEntries } from '../../../supabase/functions/_shared/restore/run-entries.ts';
import type { Unit } from '../../../supabase/functions/_shared/restore/schedule-entries.ts';

const entry = (sql: string, type = 'INDEX') => ({ type, schema: 's', name: sql, owner: '', sql });
const unit = (sql: string, tables: string[] = [], exclusive = false): Unit => ({
  entries: [entry(sql)],
  tables,
  exclusive,
});

/** Sessions that answer after a moment, and note what ran at the same time. */
function stand(count: number, answer: (sql: string) => Promise<void> = async () => void (await sleep(5))) {
  const log: string[][] = Array.from({ length: count }, () => []);
  const running = new Set<string>();
  const together = new Set<string>();
  const sessions = log.map((own) => ({
    async query(sql: string) {
      const name = /begin;\n(.*)\n/.exec(sql)?.[1] ?? sql;
      own.push(sql);
      for (const one of running) together.add([one, name].sort().join('+'));
      running.add(name);
      try {
        await answer(name);
      } finally {
        running.delete(name);
      }
      return [];
    },
  }));
  return { log, together, sessions: sessions as unknown as PgSession[] };
}

const work = (sessions: PgSession[], stages: Unit[][], more: Partial<RunEntries> = {}): RunEntries => ({
  sessions,
  stages,
  signal: new AbortController().signal,
  tolerant: false,
  isDone: () => false,
  markSql: (key) => `mark ${key}`,
  onDone: () => {},
  ...more,
});

test('the units of the largest tables begin, those of one table in their order', async () => {
  const { log, sessions } = stand(1);
  const stage = [unit('a', ['small']), unit('b', ['large']), unit('c', ['unknown']), unit('d', ['large', 'huge'])];
  const bytes: Record<string, number> = { small: 1, large: 2, huge: 3 };
  await runEntries(work(sessions, [stage], { bytesOf: (table) => bytes[table] ?? 0 }));
  const order = log[0]!.map((sql) => /begin;\n(.*)\n/.exec(sql)?.[1]);
  assert.deepEqual(order, ['b', 'd', 'a', 'c']);
});

test('units that need a table for themselves never run beside others of that table', async () => {
  const { sessions, together } = stand(3);
  const stage = [
    unit('a', ['t', 'u'], true),
    unit('b', ['u'], true),
    unit('c', ['v']),
    unit('d', ['v']),
    unit('e', ['v', 't'], true),
  ];
  await runEntries(work(sessions, [stage]));
  assert.ok(together.has('c+d') || together.has('a+c'), 'something runs at the same time');
  for (const pair of ['a+b', 'a+e', 'c+e', 'd+e']) assert.ok(!together.has(pair), pair);
});

test('a stage waits for the one before', async () => {
  const { sessions, together } = stand(3);
  await runEntries(
    work(sessions, [
      [unit('a'), unit('b')],
      [unit('c'), unit('d')],
    ]),
  );
  assert.deepEqual([...together].sort(), ['a+b', 'c+d']);
});

test('each entry is one transaction with its mark, and what is done is not done again', async () => {
  const { sessions, log } = stand(1);
  const done: string[] = [];
  const first = entryKey(entry('a'));
  await runEntries(
    work(sessions, [[unit('a')], [unit('b')]], {
      isDone: (key) => key === first,
      onDone: (key) => void done.push(key),
    }),
  );
  const key = entryKey(entry('b'));
  assert.deepEqual(log, [[`begin;\nb\n;mark ${key};\ncommit`]]);
  assert.deepEqual(done, [key]);
});

test('settings run in every session, also when all is done, and leave no mark', async () => {
  const { sessions, log } = stand(2);
  const settings: Unit = { entries: [entry('set x', '')], tables: [], exclusive: true, everywhere: true };
  await runEntries(work(sessions, [[settings], [unit('a')]], { isDone: () => true }));
  assert.deepEqual(log, [['set x'], ['set x']]);
});

test('after a failure no session begins another entry, and the error names the one that failed', async () => {
  const { sessions, log } = stand(2, async (name) => {
    await sleep(name === 'a' ? 1 : 10);
    if (name === 'a') throw ERRORS.QUERY_FAILED('it is wrong', { details: { sqlState: '42P01' } });
  });
  const several: Unit = { entries: [entry('b'), entry('c')], tables: [], exclusive: false };
  await assert.rejects(runEntries(work(sessions, [[unit('a'), several, unit('d')]])), (error) => {
    const { code, message, details } = error as HoldfastError;
    assert.deepEqual([code, message, details.sqlState], ['RESTORE_FAILED', 'INDEX s.a: it is wrong', '42P01']);
    return true;
  });
  const begun = log
    .flat()
    .filter((sql) => sql.startsWith('begin'))
    .map((sql) => sql.split('\n')[1]);
  assert.deepEqual(begun.sort(), ['a', 'b']);
  assert.ok(log[0]!.includes('rollback'));
});

test('a deadlock is tried again, three times in all', async () => {
  for (const [deadlocks, works] of [
    [2, true],
    [3, false],
  ] as const) {
    let left = deadlocks;
    const { sessions } = stand(1, async (name) => {
      if (name === 'a' && left-- > 0)
        throw ERRORS.QUERY_INTERRUPTED('deadlock detected', { details: { sqlState: '40P01' } });
    });
    const ran = runEntries(work(sessions, [[unit('a')]]));
    if (works) await ran;
    else await assert.rejects(ran, { message: /deadlock/ });
  }
});

test('an abort ends it between two entries with its reason', async () => {
  const stop = new AbortController();
  const { sessions, log } = stand(1, async () => stop.abort(new Error('enough')));
  await assert.rejects(runEntries(work(sessions, [[unit('a'), unit('b')], [unit('c')]], { signal: stop.signal })), {
    message: 'enough',
  });
  assert.equal(log[0]!.length, 1);
});

test('what the target has already is passed over when that is wanted', async () => {
  const there = () =>
    stand(1, async (name) => {
      if (name === 'a') throw ERRORS.QUERY_FAILED('exists', { details: { sqlState: '42P07' } });
    });
  const done: string[] = [];
  await runEntries(
    work(there().sessions, [[unit('a')], [unit('b')]], { tolerant: true, onDone: (key) => void done.push(key) }),
  );
  assert.equal(done.length, 2);
  await assert.rejects(runEntries(work(there().sessions, [[unit('a')]])), { code: 'RESTORE_FAILED' });
});
