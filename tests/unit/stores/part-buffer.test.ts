import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PartBuffer, SpareParts } from '../../../supabase/functions/_shared/stores/part-buffer.ts';
import { FIRST_PART_BYTES, SINGLE_PUT_BYTES } from '../../../supabase/functions/_shared/stores/s3-part-sizes.ts';

function bytesFrom(start: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (start + index) % 251);
}

test('what was appended in any pieces is there in one piece, whatever memory it grew through', () => {
  const spare = new SpareParts();
  spare.put(new Uint8Array(FIRST_PART_BYTES).fill(255));
  const buffer = new PartBuffer(spare);
  const whole = bytesFrom(0, FIRST_PART_BYTES + 70_001);
  for (let at = 0; at < whole.length; at += 70_001) buffer.append(whole.subarray(at, at + 70_001), SINGLE_PUT_BYTES);
  assert.equal(buffer.filledBytes, whole.length);
  assert.equal(Buffer.compare(buffer.view, whole), 0);
});

test('append takes no more than fits below the limit, and says how much', () => {
  const buffer = new PartBuffer();
  assert.equal(buffer.append(bytesFrom(0, 900), 1000), 900);
  assert.equal(buffer.append(bytesFrom(0, 900), 1000), 100);
  assert.equal(buffer.append(bytesFrom(0, 900), 1000), 0);
  assert.equal(buffer.filledBytes, 1000);
});

test('the buffer of an object that was sent serves the next one, which need not grow; a tiny one stays tiny', () => {
  const spare = new SpareParts();
  const large = new Uint8Array(SINGLE_PUT_BYTES);
  spare.put(large);
  const tiny = new PartBuffer(spare);
  tiny.append(bytesFrom(0, 1000), SINGLE_PUT_BYTES);
  assert.equal(tiny.release().length, 64 * 1024);
  const next = new PartBuffer(spare);
  next.append(bytesFrom(0, 70_000), SINGLE_PUT_BYTES);
  assert.equal(next.release(), large);
  assert.equal(spare.take(1), null, 'it is nobody else’s meanwhile');
});

test('of the buffers that come back the three largest are kept, and the largest is given first', () => {
  const spare = new SpareParts();
  const sizes = [FIRST_PART_BYTES, SINGLE_PUT_BYTES, FIRST_PART_BYTES + 2, FIRST_PART_BYTES + 1];
  for (const size of sizes) spare.put(new Uint8Array(size));
  spare.put(new Uint8Array(FIRST_PART_BYTES - 1));
  spare.put(new Uint8Array(SINGLE_PUT_BYTES + 1));
  assert.equal(spare.take(SINGLE_PUT_BYTES + 1), null);
  const given = [spare.take(1), spare.take(1), spare.take(1), spare.take(1)].map((bytes) => bytes?.length);
  assert.deepEqual(given, [SINGLE_PUT_BYTES, FIRST_PART_BYTES + 2, FIRST_PART_BYTES + 1, undefined]);
});
