import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest, ManifestTable } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import type { RestoreOptions, TargetFacts } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { partitionTree } from '../../../supabase/functions/_shared/restore/partition-tree.ts';
import { planRestore } from '../../../supabase/functions/_shared/restore/plan-restore.ts';
import { block, entriesOf } from './dump-text.ts';

const table = (name: string, more: Partial<ManifestTable> = {}): ManifestTable => ({
  schema: 'public',
  name,
  columns: ['id', 'name'],
  managed: false,
  persistence: 'p',
  rows: 10,
  raw_bytes: 1000,
  stored_bytes: 100,
  segments: [`tables/public.${name}.copy`],
  ...more,
});

const OBJECT = { size: 1, sha256: '0'.repeat(64), raw_bytes: 1 };
const NONE = partitionTree([]);
const TABLES = [
  table('bookings', { raw_bytes: 9000 }),
  table('users'),
  table('notes'),
  table('users', { schema: 'auth', managed: true, columns: ['id', 'email', 'gone'] }),
];
const MANIFEST = {
  backup_id: 'manual_20260114_020000_9f3c11ab',
  scope: 'full',
  status: 'completed',
  limits: [],
  source: {
    server_version_num: 170004,
    encoding: 'UTF8',
    supabase: true,
    database: 'postgres',
    server_version: '17.4',
  },
  consistency: { taken_at: '2026-01-14T02:00:00.000Z' },
  data_format: 'copy',
  schema: {
    managed_schemas: ['auth'],
    extensions: [{ name: 'pgcrypto', version: '1.3', schema: 'extensions' }],
    sections: [],
  },
  tables: TABLES,
  objects: (['pre-data', 'sequences', 'post-data'] as const).map((kind) => ({ ...OBJECT, path: kind, kind })),
} as unknown as Manifest;

const OPTIONS: RestoreOptions = {
  tables: null,
  schemas: null,
  renameSchema: null,
  only: null,
  onConflict: 'fail',
  jobs: 2,
  activate: false,
};

const TARGET: TargetFacts = {
  database: 'postgres',
  serverVersion: '17.4',
  serverVersionNum: 170004,
  encoding: 'UTF8',
  role: 'postgres',
  superuser: false,
  supabase: true,
  tables: [],
  managedTables: [{ schema: 'auth', name: 'users', columns: ['id', 'email', 'new'] }],
  schemas: ['public', 'auth'],
  roles: [],
  availableExtensions: ['pgcrypto'],
};

const phaseOf = ({ schema, name }: { schema: string; name: string }) =>
  schema === 'auth' || name === 'users' ? 1 : name === 'bookings' ? 3 : 5;
const plan = (options: Partial<RestoreOptions> = {}, target: Partial<TargetFacts> = {}) =>
  planRestore(MANIFEST, { ...OPTIONS, ...options }, { target: { ...TARGET, ...target }, phaseOf, partitions: NONE });
const existing = (name: string, hasRows = true, columns = ['id', 'name']) => ({
  tables: [{ schema: 'public', name, hasRows, columns }],
});

test('an empty target gets everything, in the order of the phases', () => {
  const { tables, phases, totals, schemaSections } = plan();
  assert.deepEqual(
    tables.map(({ table: { schema, name } }) => `${schema}.${name}`),
    ['public.users', 'auth.users', 'public.bookings', 'public.notes'],
  );
  assert.deepEqual(
    phases.map(({ phase, tables: count }) => [phase, count]),
    [
      [1, 2],
      [3, 1],
      [5, 1],
    ],
  );
  assert.equal(totals.rows, 40);
  assert.deepEqual(schemaSections, { preData: true, sequences: true, postData: true });
});

test("the platform's tables take the columns that both sides have, and the plan says what is left out", () => {
  const { tables, notes } = plan();
  const users = tables.find(({ table: one }) => one.managed)!;
  assert.equal(users.action, 'merge');
  assert.deepEqual(users.columns, ['id', 'email']);
  assert.match(notes.join('\n'), /auth\.users: the target has no column gone/);
  const without = plan({}, { managedTables: [], supabase: false });
  assert.equal(without.tables.find(({ table: one }) => one.managed)!.action, 'skip');
  assert.match(without.notes.join('\n'), /its 10 rows are left out/);
});

test('tables that exist are refused, skipped or replaced, as asked', () => {
  assert.throws(() => plan({}, existing('users')), { code: 'RESTORE_CONFLICT', message: /public\.users/ });
  const action = (onConflict: 'skip' | 'replace') =>
    plan({ onConflict }, existing('users')).tables.find(({ table: one }) => one.name === 'users' && !one.managed)!
      .action;
  assert.equal(action('skip'), 'skip');
  assert.equal(action('replace'), 'replace');
});

test('rows are not planned into tables that lack their columns', () => {
  const narrow = existing('users', true, ['id']);
  assert.throws(() => plan({ onConflict: 'replace' }, narrow), {
    code: 'RESTORE_CONFLICT',
    message: /public\.users \(name\)/,
  });
  assert.throws(() => plan({ only: 'data', tables: ['users'], onConflict: 'replace' }, narrow), {
    code: 'RESTORE_CONFLICT',
  });
  assert.equal(plan({ onConflict: 'skip' }, narrow).tables.length, 4);
});

test("the platform's schemas are neither renamed nor renamed to, and nothing goes where the marks are", () => {
  const refused = (from: string, to: string, message: RegExp) =>
    assert.throws(() => plan({ renameSchema: { from, to } }), { code: 'RESTORE_TARGET_UNUSABLE', message });
  refused('auth', 'rescued', /auth belongs to the platform/);
  refused('public', 'auth', /auth belongs to the platform/);
  refused('public', 'holdfast_restore', /removed when a restore ends/);
  // A plain PostgreSQL has no platform.
  const plain = plan({ renameSchema: { from: 'public', to: 'auth' } }, { supabase: false, managedTables: [] });
  assert.ok(plain.tables.every(({ target }) => target.schema === 'auth'));
});

test('what an unfinished restore left in the source is not restored', () => {
  const mark = { ...MANIFEST.tables.at(-1)!, schema: 'holdfast_restore', name: 'mark', managed: false };
  const manifest = { ...MANIFEST, tables: [...MANIFEST.tables, mark] };
  const { tables } = planRestore(manifest, OPTIONS, { target: TARGET, phaseOf, partitions: NONE });
  assert.equal(tables.length, MANIFEST.tables.length);
});

test('--data-only needs tables that are there and empty', () => {
  assert.throws(() => plan({ only: 'data', tables: ['users'] }), {
    code: 'RESTORE_CONFLICT',
    message: /needs the tables/,
  });
  const loaded = plan({ only: 'data', tables: ['users'] }, existing('users', false));
  assert.equal(loaded.tables[0]!.action, 'load');
  assert.deepEqual(loaded.schemaSections, { preData: false, sequences: true, postData: false });
  assert.throws(() => plan({ only: 'data', tables: ['users'] }, existing('users')), {
    code: 'RESTORE_CONFLICT',
    message: /have rows/,
  });
});

test('named tables and schemas are chosen, unknown ones are all named', () => {
  assert.deepEqual(
    plan({ tables: ['notes'] }).tables.map(({ table: one }) => one.name),
    ['notes'],
  );
  assert.deepEqual(
    plan({ schemas: ['auth'] }).tables.map(({ table: one }) => one.schema),
    ['auth'],
  );
  assert.throws(() => plan({ tables: ['notes', 'nowhere', 'auth.nobody'], schemas: ['none'] }), {
    code: 'TABLE_UNKNOWN',
    message: /nowhere, auth\.nobody, schema none/,
  });
});

/** whole: (level: (part, other), empty: nothing), other_whole: (leaf); all but the parts without rows. */
const PARTS = {
  manifest: {
    ...MANIFEST,
    tables: ['part', 'other', 'leaf'].map((name) =>
      table(name, { partition_root: { schema: 'public', name: name === 'leaf' ? 'other_whole' : 'whole' } }),
    ),
  } as Manifest,
  partitions: partitionTree(
    entriesOf(
      ...[
        ['whole', 'level'],
        ['whole', 'empty'],
        ['level', 'part'],
        ['level', 'other'],
        ['other_whole', 'leaf'],
      ].map(([parent, child]) =>
        block(
          'TABLE ATTACH',
          child!,
          `ALTER TABLE ONLY "public"."${parent}" ATTACH PARTITION "public"."${child}" DEFAULT;`,
        ),
      ),
    ),
  ),
};

function planParts(tables: string[], target: Partial<TargetFacts> = {}) {
  const facts = { target: { ...TARGET, ...target }, phaseOf, partitions: PARTS.partitions };
  const planned = planRestore(PARTS.manifest, { ...OPTIONS, tables }, facts);
  return {
    tables: planned.tables.map(({ table: { name } }) => name),
    partitioned: planned.partitioned.map(({ name }) => name),
  };
}

test('a level between is chosen with all below it, and brings the levels above that the target lacks', () => {
  assert.deepEqual(planParts(['level']), { tables: ['part', 'other'], partitioned: ['level', 'whole'] });
  assert.deepEqual(planParts(['level'], existing('whole')), { tables: ['part', 'other'], partitioned: ['level'] });
  assert.deepEqual(planParts(['public.part']), { tables: ['part'], partitioned: ['level', 'whole'] });
  assert.deepEqual(planParts(['whole']), { tables: ['part', 'other'], partitioned: ['level', 'whole', 'empty'] });
  assert.deepEqual(planParts(['leaf'], existing('other_whole')), { tables: ['leaf'], partitioned: [] });
  assert.throws(() => planParts(['empty', 'levels']), { code: 'TABLE_UNKNOWN', message: /empty, levels/ });
});

test('a renamed schema moves its tables and leaves the others out', () => {
  const { tables } = plan({ renameSchema: { from: 'public', to: 'before' } }, existing('users'));
  assert.deepEqual([...new Set(tables.map(({ target }) => target.schema))], ['before']);
  assert.equal(tables.length, 3);
});

test('an older server, a missing extension and a backup of one SQL file are refused together', () => {
  const manifest = { ...MANIFEST, data_format: 'sql' } as Manifest;
  const target = { ...TARGET, serverVersionNum: 150018, availableExtensions: [] };
  assert.throws(() => planRestore(manifest, OPTIONS, { target, phaseOf, partitions: NONE }), {
    code: 'RESTORE_TARGET_UNUSABLE',
    message: /PostgreSQL 15, the source was 17.*one file of SQL.*pgcrypto/,
  });
});
