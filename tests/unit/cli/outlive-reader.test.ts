import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

test('a reader that ends first ends no command: the rest is done, and no stack is shown', () => {
  const program = `
    const { outliveReader } = await import('./scripts/cli/outlive-reader.ts');
    const out = outliveReader(process.stdout);
    for (let n = 0; n < 200; n++) { out.write('line '.repeat(1000) + '\\n'); await new Promise((r) => setTimeout(r, 1)); }
    process.stderr.write('done');`;
  const run = `"$0" --import tsx --input-type=module -e "$1" | head -1 >/dev/null; echo " \${PIPESTATUS[0]}" >&2`;
  const stderr = execFileSync('bash', ['-c', `{ ${run}; } 2>&1`, process.execPath, program], { encoding: 'utf8' });
  assert.equal(stderr.trim(), 'done 0');
});
