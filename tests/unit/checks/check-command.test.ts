import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function check(...args: string[]) {
  return spawnSync('node_modules/.bin/tsx', ['scripts/dev/check.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
}

test('named checks run alone, each with one line that says whether it holds and how long it took', () => {
  const { status, stdout } = check('--only', 'migrations,size');
  const lines = stdout.split('\n').filter((line) => /^[✓✗]/.test(line));
  assert.deepEqual(
    lines.map((line) => /^[✓✗] (migrations|size) +\d+\.\d s {2}\S/.exec(line)?.[1]),
    ['migrations', 'size'],
  );
  assert.equal(status, lines.some((line) => line.startsWith('✗')) ? 1 : 0);
});

test('an unknown check is bad input and names those there are', () => {
  const { status, stderr } = check('--only', 'size,speed');
  assert.equal(status, 2);
  assert.match(stderr, /there is no check speed/);
  assert.match(stderr, /layers/);
});
