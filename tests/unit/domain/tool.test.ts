import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { TOOL } from '../../../supabase/functions/_shared/domain/tool.ts';

test('manifests name the version that package.json has', async () => {
  const { name, version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'));
  assert.deepEqual({ ...TOOL }, { name, version });
});
