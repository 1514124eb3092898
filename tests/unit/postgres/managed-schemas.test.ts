import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isManagedSchema } from '../../../supabase/functions/_shared/postgres/managed-schemas.ts';

test('a schema is managed only when its name is on the list and the platform owns it', () => {
  assert.equal(isManagedSchema({ name: 'auth', owner: 'supabase_admin' }), true);
  assert.equal(isManagedSchema({ name: 'auth', owner: 'postgres' }), false);
  assert.equal(isManagedSchema({ name: 'authors', owner: 'supabase_admin' }), false);
  assert.equal(isManagedSchema({ name: '_timescaledb_catalog', owner: 'supabase_admin' }), true);
  assert.equal(isManagedSchema({ name: 'public', owner: 'pg_database_owner' }), false);
});
