import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowWords } from '../../../scripts/cli/row-words.ts';
import { sizeWords } from '../../../scripts/cli/size-words.ts';
import { countWords } from '../../../supabase/functions/_shared/domain/count-words.ts';
import { durationWords } from '../../../supabase/functions/_shared/domain/duration-words.ts';

test('durations are written as a person would say them', () => {
  assert.equal(durationWords(840), '0.8 seconds');
  assert.equal(durationWords(9_960), '10 seconds');
  assert.equal(durationWords(59_600), '1 minute');
  assert.equal(durationWords(272_000), '4 minutes 32 seconds');
  assert.equal(durationWords(61_000), '1 minute 1 second');
  assert.equal(durationWords(3_600_000), '1 hour');
  assert.equal(durationWords(7_380_000), '2 hours 3 minutes');
  assert.equal(durationWords(7_199_900), '2 hours');
});

test('sizes, rows and counts', () => {
  assert.equal(sizeWords(1_234_000_000), '1.2 GB');
  assert.equal(sizeWords(812), '812 B');
  assert.equal(rowWords(0), '');
  assert.equal(rowWords(1), '1 row');
  assert.equal(rowWords(1_234_567), '1.2M rows');
  assert.equal(countWords(1, 'table'), '1 table');
  assert.equal(countWords(1600, 'table'), '1,600 tables');
});
