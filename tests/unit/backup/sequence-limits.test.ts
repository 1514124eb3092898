import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sequenceLimits } from '../../../supabase/functions/_shared/backup/sequence-limits.ts';
import type { Catalog, Table } from '../../../supabase/functions/_shared/postgres/catalog-types.ts';

const named = (name: string) => ({ schema: 'public', name });
const table = (name: string, more: Partial<Table> = {}): Table => ({
  ...named(name),
  oid: 1,
  kind: 'r',
  persistence: 'p',
  partitionRoot: null,
  columns: [],
  hasPrimaryKey: true,
  readable: true,
  managed: false,
  blocks: 0,
  heapBytes: 0,
  toastBytes: 0,
  estimatedRows: 0,
  ...more,
});
const inTree = { partitionRoot: named('events') };
const TABLES = [
  table('users'),
  table('secret', { readable: false }),
  table('events', { kind: 'p' }),
  table('events_2026', { kind: 'p', ...inTree }),
  table('events_2026_01', inTree),
  table('events_2026_02', inTree),
];
const CATALOG: Catalog = {
  databaseName: 'd',
  serverVersion: '17.0',
  serverVersionNum: 170000,
  blockSize: 8192,
  encoding: 'UTF8',
  supabase: false,
  managedSchemas: [],
  tables: TABLES,
  extensions: [],
  largeObjectCount: 0,
  unreadableSequences: [
    { ...named('alone'), owner: null },
    ...TABLES.map(({ name }) => ({ ...named(`${name}_id_seq`), owner: named(name) })),
    { ...named('task_id_seq'), owner: named('task') },
  ],
};

function limited(names: readonly string[]): string[] {
  const taken = TABLES.filter(({ name }) => names.includes(name));
  return sequenceLimits(CATALOG, taken).map(({ object }) => object.slice('public.'.length));
}

test('an unreadable sequence is a limit when rows that have its numbers are in the backup', () => {
  assert.deepEqual(limited(['users']), ['alone', 'users_id_seq']);
  assert.deepEqual(limited(['events_2026_01']), [
    'alone',
    'events_id_seq',
    'events_2026_id_seq',
    'events_2026_01_id_seq',
  ]);
  assert.deepEqual(limited([]), ['alone']);
  const [first] = sequenceLimits(CATALOG, []);
  assert.equal(first!.code, 'SEQUENCE_UNREADABLE');
  assert.match(first!.message, /may not select from sequence public\.alone, which begins again after a restore/);
});
