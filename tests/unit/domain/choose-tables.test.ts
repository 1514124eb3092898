import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChoosableTable,
  chooseTables,
  isFilterOn,
  parseTableName,
} from '../../../supabase/functions/_shared/domain/choose-tables.ts';

const table = (name: string, more: Partial<ChoosableTable> = {}): ChoosableTable => ({
  schema: 'public',
  name,
  kind: 'r',
  readable: true,
  ...more,
});
const root = { schema: 'public', name: 'events' };
const ALL = [
  table('users'),
  table('bookings'),
  table('secret', { readable: false }),
  table('remote', { kind: 'f' }),
  table('events', { kind: 'p' }),
  table('events_2026_01', { partitionRoot: root }),
  table('objects', { schema: 'storage' }),
  table('totals', { kind: 'm' }),
];
const names = (tables: ChoosableTable[]) => tables.map((one) => `${one.schema}.${one.name}`);

test('full: every readable table with rows, and a limit for each that cannot be had', () => {
  const choice = chooseTables(ALL, { scope: 'full' }, []);
  assert.deepEqual(names(choice.tables), [
    'public.users',
    'public.bookings',
    'public.events_2026_01',
    'storage.objects',
  ]);
  assert.deepEqual(
    choice.limits.map(({ code, object }) => [code, object]),
    [
      ['TABLE_UNREADABLE', 'public.secret'],
      ['FOREIGN_TABLE', 'public.remote'],
    ],
  );
});

test('critical: the tiered tables that exist, and no word about those that do not', () => {
  const choice = chooseTables(ALL, { scope: 'critical' }, [
    { schema: 'public', name: 'users' },
    { schema: 'public', name: 'gone' },
  ]);
  assert.deepEqual([names(choice.tables), choice.unknown], [['public.users'], []]);
});

test('a partitioned table means its partitions', () => {
  const choice = chooseTables(ALL, { scope: 'tables', tables: ['events'] }, []);
  assert.deepEqual(names(choice.tables), ['public.events_2026_01']);
  assert.equal(isFilterOn({ table: 'public.events' }, ALL[5]!), true);
});

test('names that match nothing are all told', () => {
  const choice = chooseTables(ALL, { scope: 'tables', tables: ['users', 'nope', 'other.users'] }, []);
  assert.deepEqual(choice.unknown, ['public.nope', 'other.users']);
});

test('a table name may be quoted where a part has a dot or a quote of its own', () => {
  assert.deepEqual(parseTableName('a.b'), { schema: 'a', name: 'b' });
  assert.deepEqual(parseTableName('b'), { schema: 'public', name: 'b' });
  assert.deepEqual(parseTableName('"a.b"."c""d"'), { schema: 'a.b', name: 'c"d' });
  assert.deepEqual(parseTableName('Ünï.cødé 表'), { schema: 'Ünï', name: 'cødé 表' });
});

test('a name of three parts is unknown, not a table of its first part', () => {
  const choice = chooseTables(ALL, { scope: 'tables', tables: ['users.public.x'] }, []);
  assert.deepEqual([names(choice.tables), choice.unknown], [[], ['public.users.public.x']]);
});

test('a materialized view alone is refused, beside a table it is a limit, and unasked it is no matter', () => {
  const alone = chooseTables(ALL, { scope: 'tables', tables: ['totals'] }, []);
  assert.deepEqual([alone.tables, alone.limits, alone.views], [[], [], ['public.totals']]);
  const foreign = chooseTables(ALL, { scope: 'tables', tables: ['totals', 'remote'] }, []);
  assert.deepEqual(foreign.views, ['public.totals']);
  for (const beside of ['users', 'secret', 'events']) {
    const mixed = chooseTables(ALL, { scope: 'tables', tables: ['totals', beside] }, []);
    assert.deepEqual([mixed.unknown, mixed.views], [[], []]);
    assert.deepEqual(
      mixed.limits.filter(({ object }) => object === 'public.totals').map(({ code }) => code),
      ['MATERIALIZED_VIEW'],
      beside,
    );
  }
  const critical = chooseTables(ALL, { scope: 'critical' }, [{ schema: 'public', name: 'totals' }]);
  for (const { limits, views } of [critical, chooseTables(ALL, { scope: 'full' }, [])]) {
    assert.deepEqual([views, limits.filter(({ object }) => object === 'public.totals')], [[], []]);
  }
});
