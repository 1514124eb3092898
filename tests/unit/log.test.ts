import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../supabase/functions/_shared/config.ts';
import { ERRORS } from '../../supabase/functions/_shared/errors.ts';
import { createLogger, type LogOptions } from '../../supabase/functions/_shared/log.ts';

function record(options?: LogOptions) {
  const lines: string[] = [];
  return { lines, log: createLogger((line) => lines.push(line), options), last: () => JSON.parse(lines.at(-1) ?? '') };
}

test('a line is one JSON object with time, level, message and facts', () => {
  const { log, lines, last } = record({ now: () => new Date(0), facts: { function: 'backup-worker' } });
  log.with({ backup_id: 'b1' }).info('task ended', { rows: 5, at: new Date(1000), big: 10n, message: 'not this' });
  assert.deepEqual(last(), {
    ...{ time: '1970-01-01T00:00:00.000Z', level: 'info', message: 'task ended', function: 'backup-worker' },
    ...{ backup_id: 'b1', rows: 5, at: '1970-01-01T00:00:01.000Z', big: '10' },
  });
  assert.ok(lines[0]?.startsWith('{"time":"1970'));
  assert.doesNotMatch(lines[0] ?? '', /\n/);
});

test('secrets are hidden in messages, facts, keys, errors and their causes, also encoded or line by line', () => {
  const { log, lines } = record({ secrets: ['p@ss/word!'] });
  const child = log.with({ of: 'child' });
  log.hide([new Secret('-----BEGIN-----\nline-one-of-key\nline-two-of-key')]);
  const cause = new Error('at postgres://u:p%40ss%2Fword!@host');
  child.error('p@ss/word!', {
    'p@ss/word!': 1,
    error: ERRORS.STORE_FAILED('p@ss/word!', { cause }),
    list: ['line-two-of-key'],
    secret: new Secret('p@ss/word!'),
  });
  assert.doesNotMatch(lines[0] ?? '', /p@ss|p%40ss|line-two/);
  assert.match(lines[0] ?? '', /STORE_FAILED/);
  assert.match(lines[0] ?? '', /"secret":"\*\*\*"/);
});

test('a line never exceeds 10,000 characters and stays JSON', () => {
  const { log, lines, last } = record();
  const facts = [
    { text: 'x'.repeat(50_000) },
    { list: Array.from({ length: 5_000 }, (_, at) => at) },
    { quotes: Array(20).fill('"\\\u0001'.repeat(700)) },
  ];
  for (const fact of facts) {
    log.info('long', fact);
    assert.ok((lines.at(-1)?.length ?? 0) <= 10_000);
    assert.equal(last().message, 'long');
  }
  log.info('m'.repeat(30_000), { list: 'y'.repeat(30_000) });
  assert.ok((lines.at(-1)?.length ?? 0) <= 10_000);
});

test('cycles, deep values and bytes do not break a line', () => {
  const { log, last } = record();
  const cycle: Record<string, unknown> = { bytes: new Uint8Array(5), nothing: null };
  cycle.self = cycle;
  log.warn('odd', { cycle, map: new Map([['a', 1]]) });
  assert.deepEqual(last().cycle, { bytes: '5 bytes', nothing: null, self: '…' });
  assert.deepEqual(last().map, { a: 1 });
});

test('any facts make a line of JSON within the limit, without the secret', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.dictionary(fc.string(), fc.anything()), (message, facts) => {
      const { log, lines } = record({ secrets: ['a-registered-secret'] });
      log.info(`${message}a-registered-secret`, facts);
      assert.ok(lines.length === 1 && (lines[0]?.length ?? 0) <= 10_000 && !lines[0]?.includes('a-registered-secret'));
      JSON.parse(lines[0] ?? '');
    }),
  );
});
