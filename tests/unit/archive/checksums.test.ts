import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checksumsText } from '../../../supabase/functions/_shared/archive/checksums.ts';

const NAMES = [
  'public.t.copy.zst',
  'with space',
  'back\\slash',
  'line\nend',
  'return\rhere',
  '*star',
  '-dash',
  'ü%20',
  '\\n',
];

test('sha256sum -c accepts the list for names of every kind, and finds a changed file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-sums-'));
  try {
    const objects = NAMES.map((path) => {
      writeFileSync(join(folder, path), `content of ${path}`);
      return { path, sha256: createHash('sha256').update(`content of ${path}`).digest('hex') };
    });
    writeFileSync(join(folder, 'checksums.sha256'), checksumsText(objects));
    const checked = execFileSync('sha256sum', ['--strict', '-c', 'checksums.sha256'], { cwd: folder }).toString();
    assert.equal(checked.match(/: OK$/gm)!.length, NAMES.length);
    writeFileSync(join(folder, 'line\nend'), 'other');
    assert.equal(spawnSync('sha256sum', ['-c', 'checksums.sha256'], { cwd: folder }).status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('no objects give an empty list', () => {
  assert.equal(checksumsText([]), '');
});
