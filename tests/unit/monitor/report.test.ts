import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byteWords } from '../../../supabase/functions/_shared/domain/byte-words.ts';
import { ERRORS } from '../../../supabase/functions/_shared/errors.ts';
import { CHECKS } from '../../../supabase/functions/_shared/monitor/check-registry.ts';
import type { CheckSeverity, CheckState, HealthLine } from '../../../supabase/functions/_shared/monitor/contracts.ts';
import { createIsUp } from '../../../supabase/functions/_shared/monitor/is-up.ts';
import { chooseChecks, summarise } from '../../../supabase/functions/_shared/monitor/make-report.ts';
import { publicKeysOf } from '../../../supabase/functions/_shared/monitor/public-keys-of.ts';
import { healthReportText } from '../../../supabase/functions/_shared/monitor/report-text.ts';

const AT = new Date('2026-01-14T02:00:00Z');

function line(state: CheckState, severity: CheckSeverity = 'info'): HealthLine {
  const moments = { since: AT.toISOString(), problemSince: null, checkedAt: AT.toISOString() };
  const facts = { value: 1, unit: 'hours', threshold: 2, detail: `is ${state}`, items: [], ...moments };
  const todo = state === 'unhealthy' ? 'Mend it.' : '';
  return { name: `${state}_one`, title: 'Title', category: 'platform', state, severity, todo, ...facts };
}

test('a report is as bad as its worst check, and says how bad', () => {
  const sum = (...lines: HealthLine[]) => {
    const { state, severity } = summarise(lines, AT);
    return [state, severity];
  };
  assert.deepEqual(sum(line('healthy')), ['healthy', null]);
  assert.deepEqual(sum(line('healthy'), line('inconclusive', 'critical')), ['inconclusive', null]);
  assert.deepEqual(sum(line('inconclusive'), line('unhealthy', 'warning')), ['unhealthy', 'warning']);
  assert.deepEqual(sum(line('unhealthy', 'critical'), line('unhealthy', 'warning')), ['unhealthy', 'critical']);
});

test('the text says what is bad first, and what to do about it', () => {
  const text = healthReportText(summarise([line('healthy'), line('unhealthy', 'critical')], AT));
  assert.match(text, /^unhealthy \(critical\), checked at 2026-01-14/);
  assert.ok(text.indexOf('unhealthy_one') < text.indexOf('healthy_one', text.indexOf('unhealthy_one') + 12));
  assert.match(text, /-> Mend it\./);
});

test('names of checks are stable words, each once; an unknown one is refused with those there are', () => {
  const names = CHECKS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z][a-z_]*$/);
  assert.equal(chooseChecks(undefined), CHECKS);
  assert.deepEqual(
    chooseChecks(['integrity', 'pg_net']).map(({ name }) => name),
    ['pg_net', 'integrity'],
  );
  assert.throws(() => chooseChecks(['nothing']), { code: ERRORS.HEALTH_CHECK_UNKNOWN('').code });
});

test('sizes are for people', () => {
  assert.deepEqual([0, 999, 1000, 500_000_000, 1.5e15].map(byteWords), [
    '0 B',
    '999 B',
    '1.0 kB',
    '500.0 MB',
    '1.5 PB',
  ]);
});

test('public keys that break their rule are handed on, so that their check can say so', () => {
  assert.equal(
    publicKeysOf(() => undefined),
    null,
  );
  assert.equal(
    publicKeysOf(() => '  '),
    null,
  );
  assert.equal(
    publicKeysOf(() => 'nonsense'),
    'nonsense',
  );
});

test('whoever asks whether it is up, the database is asked once in five seconds', async () => {
  let asked = 0;
  const sql = (async () => {
    asked += 1;
    return [{ up: true }];
  }) as never;
  const isUp = createIsUp(() => sql);
  assert.deepEqual(await Promise.all(Array.from({ length: 100 }, isUp)), Array(100).fill(true));
  assert.equal(asked, 1);
  const broken = createIsUp(() => {
    throw new Error('no configuration');
  });
  assert.equal(await broken(), false);
});
