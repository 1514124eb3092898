import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createCpuPool } from '../../../supabase/functions/_shared/cpu-pool-node.ts';

const ROWS = new TextEncoder().encode(
  Array.from({ length: 9000 }, (_, row) => `${row}\tbooking ${row % 97}\t2026-01-${(row % 28) + 1}\tconfirmed\n`).join(
    '',
  ),
);

function unzstd(frames: Uint8Array): Uint8Array {
  const { status, stdout, stderr } = spawnSync('zstd', ['-dc'], { input: frames, maxBuffer: 1 << 28 });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}

test('frames that come back in the order of the calls are one stream that zstd reads', async (t) => {
  const pool = createCpuPool(3);
  t.after(() => pool.close());
  const blocks = Array.from({ length: 20 }, (_, index) => ROWS.slice(0, 1 + index * 17_003));
  const expected = Buffer.concat(blocks.map((block) => block.slice()));
  const frames = await Promise.all(blocks.map((block) => pool.zstd(block, 1)));
  assert.deepEqual(Buffer.from(unzstd(Buffer.concat(frames))), expected);
});

test('a block that fills its buffer is moved, and one that is a small part of it leaves the rest alone', async (t) => {
  const pool = createCpuPool(1);
  t.after(() => pool.close());
  const whole = ROWS.slice();
  await pool.zstd(whole, 1);
  assert.equal(whole.length, 0, 'moved, not copied');
  const large = ROWS.slice();
  const frame = await pool.zstd(large.subarray(100, 300), 1);
  assert.equal(large.length, ROWS.length);
  assert.deepEqual(Buffer.from(unzstd(frame)), Buffer.from(ROWS.subarray(100, 300)));
  const pooled = Buffer.from('a row in the shared pool of Node');
  assert.equal(Buffer.from(unzstd(await pool.zstd(pooled, 1))).toString(), 'a row in the shared pool of Node');
});

test('a block that was moved comes back with its memory, to be filled again', async (t) => {
  const pool = createCpuPool(1);
  t.after(() => pool.close());
  assert.equal(pool.spareBlock!(ROWS.length), null);
  await pool.zstd(ROWS.slice(), 1);
  assert.equal(pool.spareBlock!(ROWS.length)?.length, ROWS.length);
  assert.equal(pool.spareBlock!(ROWS.length), null);
});

test('random bytes, no bytes and a block larger than any before survive', async (t) => {
  const pool = createCpuPool(1);
  t.after(() => pool.close());
  for (const size of [0, 1, 70_000, 5_000_000]) {
    const block = new Uint8Array(size);
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(block.subarray(at, Math.min(size, at + 65_536)));
    const copy = block.slice();
    assert.deepEqual(Buffer.from(unzstd(await pool.zstd(block, 3))), Buffer.from(copy));
  }
});

test('closing the pool rejects what is under way and what comes later, and lets the process end', async () => {
  const pool = createCpuPool(1);
  const pending = pool.zstd(ROWS.slice(), 1);
  const rejected = assert.rejects(pending, { code: 'INTERNAL' });
  await pool.close();
  await rejected;
  await assert.rejects(pool.zstd(ROWS.slice(), 1), { code: 'INTERNAL' });
});

test('an idle pool that nobody closed does not keep a process alive', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const program = `
    import { createCpuPool } from './supabase/functions/_shared/cpu-pool-node.ts';
    const frame = await createCpuPool().zstd(new TextEncoder().encode('abc'.repeat(1000)), 1);
    console.log(frame.length < 100);`;
  const args = ['--import', 'tsx', '--input-type=module', '--eval', program];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, timeout: 120_000 });
  assert.equal(status, 0, stderr.toString());
  assert.equal(stdout.toString().trim(), 'true');
});
