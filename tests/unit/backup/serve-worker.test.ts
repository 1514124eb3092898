import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serveWorker, type WorkerDoor } from '../../../supabase/functions/_shared/backup/serve-worker.ts';
import { createLogger } from '../../../supabase/functions/_shared/log.ts';
import type { Ledger } from '../../../supabase/functions/_shared/runs/ledger.ts';

const TICKET = 'a'.repeat(64);

/** A door whose ledger has one task that fails at once, and then one ticket for the next worker. */
function openDoor(answers: (number | Error)[]) {
  const work: Promise<unknown>[] = [];
  const calls: string[] = [];
  const lines: string[] = [];
  const task = { id: 1, backupId: 'b', kind: 'clean', payload: {}, verificationId: null, attempts: 1, leaseToken: 't' };
  const ledger = {
    redeemTicket: async (ticket: string) => ticket === TICKET,
    claimTask: async () => task,
    failTask: async () => {},
    issueTickets: async () => ['next'],
  } as unknown as Ledger;
  const door: WorkerDoor = {
    platform: { waitUntil: (promise) => void work.push(promise) },
    context: () => ({
      ledger,
      log: createLogger((line) => lines.push(line)),
      equip: () => Promise.reject(new Error('none')),
    }),
    callWorker: async (ticket) => {
      calls.push(ticket);
      const answer = answers.shift() ?? 202;
      if (answer instanceof Error) throw answer;
      return answer;
    },
    workerName: 'test',
  };
  return { serve: serveWorker(door), settled: () => Promise.all(work), calls, lines };
}

const post = (body: string, headers: Record<string, string> = {}) =>
  new Request('http://localhost/backup-worker', { method: 'POST', body, headers });

test('a ticket that works is answered 202 before the work is done', async () => {
  const { serve, settled, calls } = openDoor([]);
  const response = await serve(post(JSON.stringify({ ticket: TICKET })));
  assert.equal(response.status, 202);
  await settled();
  assert.deepEqual(calls, ['next']);
});

test('the next worker is called again where the platform has no room or does not answer', async () => {
  const { serve, settled, calls, lines } = openDoor([503, new Error('reset'), 202]);
  await serve(post(JSON.stringify({ ticket: TICKET })));
  await settled();
  assert.equal(calls.length, 3);
  assert.ok(!lines.some((line) => line.includes('could not be called')));
});

test('a ticket that was used meanwhile is not called again', async () => {
  const { serve, settled, calls } = openDoor([401]);
  await serve(post(JSON.stringify({ ticket: TICKET })));
  await settled();
  assert.equal(calls.length, 1);
});

test('other tickets, other methods and other bodies are refused and start nothing', async () => {
  const { serve, calls } = openDoor([]);
  const cases: [Request, number][] = [
    [post(JSON.stringify({ ticket: 'b'.repeat(64) })), 401],
    [post('{'), 400],
    [post(JSON.stringify({ ticket: TICKET, more: 1 })), 400],
    [post('x'.repeat(5000)), 413],
    [new Request('http://localhost/backup-worker'), 400],
  ];
  for (const [request, status] of cases) assert.equal((await serve(request)).status, status);
  assert.deepEqual(calls, []);
});
