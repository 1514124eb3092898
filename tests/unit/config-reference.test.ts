import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { configReference } from '../../scripts/dev/generate-config-reference.ts';

test('docs/reference/configuration.md is what the table of variables generates', async () => {
  const committed = await readFile(new URL('../../docs/reference/configuration.md', import.meta.url), 'utf8');
  assert.equal(committed, configReference());
});
