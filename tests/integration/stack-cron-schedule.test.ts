import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSchedule } from '../../scripts/dev/stack/cron-schedule.ts';

function isDue(schedule: string, minute: string): boolean {
  const parsed = parseSchedule(schedule);
  assert.equal(parsed.kind, 'minutes');
  return parsed.kind === 'minutes' && parsed.isDue(new Date(minute));
}

test('schedules are minutes of GMT', () => {
  assert.equal(isDue('* * * * *', '2026-01-14T02:00:00Z'), true);
  assert.equal(isDue('0 2 * * *', '2026-01-14T02:00:00Z'), true);
  assert.equal(isDue('0 2 * * *', '2026-01-14T02:01:00Z'), false);
  assert.equal(isDue('*/15 * * * *', '2026-01-14T02:45:00Z'), true);
  assert.equal(isDue('0 3 * * 0', '2026-01-18T03:00:00Z'), true, 'a Sunday');
  assert.equal(isDue('0 3 * * 7', '2026-01-18T03:00:00Z'), true, 'also a Sunday');
  assert.equal(isDue('0 0 $ * *', '2026-02-28T00:00:00Z'), true, 'the last day of the month');
  assert.equal(isDue('0 0 $ * *', '2028-02-28T00:00:00Z'), false, 'a leap year has one more');
});

test('when day of month and day of week are both given, either is enough', () => {
  assert.equal(isDue('0 0 13 * 5', '2026-01-13T00:00:00Z'), true, 'the 13th, a Tuesday');
  assert.equal(isDue('0 0 13 * 5', '2026-01-16T00:00:00Z'), true, 'a Friday, the 16th');
  assert.equal(isDue('0 0 13 * 5', '2026-01-14T00:00:00Z'), false);
});

test('names, seconds and the start of the server are understood', () => {
  assert.equal(isDue('@hourly', '2026-01-14T05:00:00Z'), true);
  assert.equal(isDue('@daily', '2026-01-14T05:00:00Z'), false);
  assert.equal(isDue('0 0 1 jan mon', '2026-01-05T00:00:00Z'), true);
  assert.deepEqual(parseSchedule('30 seconds'), { kind: 'seconds', everyMs: 30_000 });
  assert.deepEqual(parseSchedule(' 1 second '), { kind: 'seconds', everyMs: 1000 });
  assert.deepEqual(parseSchedule('@reboot'), { kind: 'start' });
});

test('what is no schedule is refused', () => {
  for (const text of ['60 seconds', '0 seconds', '* * * *', '61 * * * *', 'soon', ''])
    assert.throws(() => parseSchedule(text), text);
});
