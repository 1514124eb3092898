import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERRORS } from '../../../../supabase/functions/_shared/errors.ts';
import { runChecks } from '../../../../supabase/functions/_shared/restore/checks/run-checks.ts';
import type { Check, CheckContext, CheckResult } from '../../../../supabase/functions/_shared/restore/contracts.ts';

const context = {} as CheckContext;

function checkOf(name: string, run: () => Promise<unknown> = async () => {}): Check {
  return {
    name,
    proves: 'nothing',
    async run() {
      await run();
      return { verdict: 'passed', detail: 'fine', findings: [] };
    },
  };
}

test('an error inside a check makes it inconclusive, with the reason, and the others run', async () => {
  const broken = checkOf('broken', async () => {
    throw new Error('the disk is full');
  });
  const seen: CheckResult[] = [];
  const results = await runChecks(context, {
    checks: [checkOf('first'), broken, checkOf('last')],
    onCheck: (result) => seen.push(result),
  });
  assert.deepEqual(seen, results);
  assert.deepEqual(
    results.map(({ name, verdict }) => [name, verdict]),
    [
      ['first', 'passed'],
      ['broken', 'inconclusive'],
      ['last', 'passed'],
    ],
  );
  assert.equal(results[1]!.detail, 'the check could not be finished: the disk is full');
});

test('what a refused query says of row values is not in the result', async () => {
  const refused = (sqlState: string, message: string) =>
    checkOf(sqlState, async () => {
      throw ERRORS.QUERY_FAILED(message, { details: { sqlState } });
    });
  const checks = [refused('22P02', 'invalid input syntax: "secret"'), refused('42703', 'column "a" does not exist')];
  const [value, name] = await runChecks(context, { checks });
  assert.equal(value!.detail, 'the check could not be finished: SQLSTATE 22P02');
  assert.equal(name!.detail, 'the check could not be finished: column "a" does not exist (SQLSTATE 42703)');
});

test('a lost connection is thrown', async () => {
  const lost = checkOf('lost', async () => {
    throw ERRORS.DATABASE_CONNECTION_LOST('gone');
  });
  await assert.rejects(runChecks(context, { checks: [lost] }), { code: 'DATABASE_CONNECTION_LOST' });
});

test('checks after the signal are inconclusive and stay in the result', async () => {
  const stop = new AbortController();
  const checks = [checkOf('first', async () => stop.abort()), checkOf('second')];
  const results = await runChecks(context, { checks, signal: stop.signal });
  assert.deepEqual(
    results.map(({ verdict }) => verdict),
    ['passed', 'inconclusive'],
  );
  assert.match(results[1]!.detail, /stopped before this one/);
});

test('only the checks that are named run, and a name that no check has is refused', async () => {
  const checks = [checkOf('first'), checkOf('second')];
  assert.equal((await runChecks(context, { checks, only: ['second'] }))[0]!.name, 'second');
  await assert.rejects(runChecks(context, { checks, only: ['third'] }), {
    code: 'CONFIG_INVALID',
    message: "a check must be one of first, second; 'third' is none",
  });
});
