import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  FIRST_PART_BYTES,
  MAX_PARTS,
  partSizeBytes,
  SINGLE_PUT_BYTES,
} from '../../../supabase/functions/_shared/stores/s3-part-sizes.ts';

const MIB = 1024 ** 2;

test('parts are within the limits of S3 (5 MiB to 5 GiB, 10,000 parts), never shrink, and together hold 1.2 TiB', () => {
  let total = 0;
  for (let part = 1; part <= MAX_PARTS; part++) {
    const size = partSizeBytes(part);
    assert.ok(size >= 5 * MIB && size <= 512 * MIB);
    assert.ok(size >= partSizeBytes(Math.max(1, part - 1)));
    total += size;
  }
  assert.ok(total > 1.2 * 1024 ** 4);
});

test('the buffer of a single PUT is exactly the first two parts', () => {
  assert.equal(partSizeBytes(1) + partSizeBytes(2), SINGLE_PUT_BYTES);
  assert.equal(partSizeBytes(1), FIRST_PART_BYTES);
});
