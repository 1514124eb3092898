import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configBytes, takesConfig } from '../../../supabase/functions/_shared/backup/write-config-object.ts';
import { configPath } from '../../../supabase/functions/_shared/domain/object-path.ts';
import type { ProjectConfig } from '../../../supabase/functions/_shared/domain/project-config.ts';

const CONFIG = {
  format: 'holdfast-config',
  version: { major: 1, minor: 0 },
  database: 'd',
  vault_secrets: Array.from({ length: 50 }, (_, index) => ({ name: `secret ${index}`, description: 'x'.repeat(100) })),
  rls_probes: [{ role: 'anon', subject: null, table: 'public.t', count: 1, sqlstate: null }],
  unreadable: [],
} as unknown as ProjectConfig;

test('a configuration above the limit loses its longest list and says so', () => {
  const left = JSON.parse(new TextDecoder().decode(configBytes(CONFIG, 1000)));
  assert.deepEqual(left.vault_secrets, []);
  assert.equal(left.rls_probes.length, 1);
  assert.deepEqual(left.unreadable, [
    {
      what: 'vault_secrets',
      reason: 'left out: the configuration may be 1000 bytes of JSON, and this is the most of it',
    },
  ]);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(configBytes(CONFIG))), CONFIG);
});

test('nothing but lists is left out, however small the limit', () => {
  const left = JSON.parse(new TextDecoder().decode(configBytes(CONFIG, 1)));
  assert.equal(left.database, 'd');
  assert.equal(left.unreadable.length, 2);
});

test('a repeated attempt writes under a path of its own', () => {
  assert.equal(configPath({ codec: 'zstd', encrypted: true }), 'config/database.json.zst.pgp');
  assert.equal(configPath({ codec: 'none', encrypted: false, attempt: 2 }), 'config/database.try2.json');
});

test('only a backup of everything takes the configuration', () => {
  const where = [{ table: 'a', column: 'b', operator: '=' as const, value: '1' }];
  assert.equal(takesConfig({ scope: 'full' }), true);
  assert.equal(takesConfig({ scope: 'full', where }), false);
  assert.equal(takesConfig({ scope: 'critical' }), false);
});
