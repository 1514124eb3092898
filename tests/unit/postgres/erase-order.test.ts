import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EraseCatalog, type ForeignKey } from '../../../supabase/functions/_shared/postgres/erase-catalog.ts';
import { eraseOrder } from '../../../supabase/functions/_shared/postgres/erase-order.ts';

const table = (name: string) => ({ schema: 'public', table: name });

function key(child: string, parent: string, more: Partial<ForeignKey> = {}): ForeignKey {
  return {
    name: `${child}_${parent}`,
    child: table(child),
    childColumns: ['ref'],
    parent: table(parent),
    parentColumns: ['id'],
    onDelete: 'no action',
    deferrable: false,
    matchFull: false,
    ...more,
  };
}

function catalog(names: readonly string[], keys: readonly ForeignKey[], notNull = true): EraseCatalog {
  const columns = {
    ref: { type: 'bigint', category: 'N', notNull },
    id: { type: 'bigint', category: 'N', notNull: true },
  };
  return new EraseCatalog(
    names.map((name) => ({ ...table(name), key: ['id'], columns })),
    keys,
  );
}

const order = (names: readonly string[], keys: readonly ForeignKey[], notNull = true) =>
  eraseOrder(names.map(table), catalog(names, keys, notNull));

test('a table comes before those that it refers to, whatever the graph without circles', () => {
  const graph = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 });
  fc.assert(
    fc.property(graph, (pairs) => {
      const names = Array.from({ length: 10 }, (_, at) => `t${at}`);
      const keys = pairs.filter(([a, b]) => a < b).map(([a, b]) => key(names[a]!, names[b]!));
      const found = order(names, keys).tables.map((one) => one.table);
      assert.equal(new Set(found).size, 10);
      for (const { child, parent } of keys) assert.ok(found.indexOf(child.table) < found.indexOf(parent.table));
    }),
  );
});

test('a circle is broken by a constraint that acts by itself, then by one that can wait, then by a column that may be null', () => {
  const both = (more: Partial<ForeignKey>) => [key('a', 'b'), key('b', 'a', more)];
  const cascade = order(['a', 'b'], both({ onDelete: 'cascade' }));
  assert.deepEqual([cascade.tables.map((one) => one.table), cascade.deferred, cascade.unlinked], [['a', 'b'], [], []]);
  const late = order(['a', 'b'], both({ deferrable: true }));
  assert.deepEqual(
    late.deferred.map(({ name }) => name),
    ['b_a'],
  );
  const nullable = order(['a', 'b'], both({}), false);
  assert.deepEqual(
    nullable.unlinked.map(({ columns }) => columns),
    [['ref']],
  );
});

test('a circle that nothing breaks is refused with the names of its constraints, and of no others', () => {
  const keys = [key('a', 'b'), key('b', 'c'), key('c', 'a'), key('d', 'a')];
  assert.throws(
    () => order(['a', 'b', 'c', 'd'], keys),
    (error: { code: string; details: { constraints: string[] } }) => {
      assert.equal(error.code, 'ERASURE_BLOCKED');
      assert.deepEqual(error.details.constraints, ['a_b', 'b_c', 'c_a']);
      return true;
    },
  );
});

test('a constraint that refuses at once cannot wait, even when it is declared deferrable', () => {
  const keys = [
    key('a', 'b', { onDelete: 'restrict', deferrable: true }),
    key('b', 'a', { onDelete: 'restrict', deferrable: true }),
  ];
  assert.throws(() => order(['a', 'b'], keys), { code: 'ERASURE_BLOCKED' });
});
