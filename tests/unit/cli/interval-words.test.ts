import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalWords } from '../../../scripts/cli/interval-words.ts';

for (const [interval, words] of [
  ['01:00:00', '1 hour'],
  ['24:00:00', '24 hours'],
  ['00:15:00', '15 minutes'],
  ['7 days', '7 days'],
  ['1 mon', '1 month'],
  ['2 mons 3 days 01:30:05', '2 months 3 days 1 hour 30 minutes 5 seconds'],
  ['1 year', '1 year'],
  ['00:00:00', '00:00:00'],
  ['-01:00:00', '-01:00:00'],
] as const) {
  test(`the interval ${interval} is ${words} for people`, () => assert.equal(intervalWords(interval), words));
}
