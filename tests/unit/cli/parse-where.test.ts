import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseWhere } from '../../../scripts/cli/parse-where.ts';
import { FILTER_OPERATORS } from '../../../supabase/functions/_shared/domain/backup-request.ts';

test('table, column, operator and value are taken apart', () => {
  assert.deepEqual(parseWhere('bookings.created_at>=2026-01-01'), {
    table: 'bookings',
    column: 'created_at',
    operator: '>=',
    value: '2026-01-01',
  });
  assert.deepEqual(parseWhere("sales.orders.state <> 'it''s open'"), {
    table: 'sales.orders',
    column: 'state',
    operator: '<>',
    value: "it's open",
  });
  assert.deepEqual(parseWhere('"my shop"."a.b"."c""d" != x=y'), {
    table: '"my shop"."a.b"',
    column: 'c"d',
    operator: '<>',
    value: 'x=y',
  });
  assert.equal(parseWhere('bookings.note=')?.value, '');
});

test('what is no condition on a column is refused', () => {
  for (const text of [
    '',
    'bookings',
    'created_at>=1',
    'bookings.x',
    'a.b.c.d=1',
    'bookings.x like y',
    '.x=1',
    'a..b=1',
  ]) {
    assert.equal(parseWhere(text), null, text);
  }
});

test('any names in double quotes and any value come back as they are', () => {
  const name = fc.string({ minLength: 1, unit: 'binary' }).filter((text) => !text.includes('\0'));
  const value = fc
    .string({ unit: 'binary' })
    .map((text) => text.trim())
    .filter((text) => !/^'.*'$/su.test(text));
  const quote = (text: string) => `"${text.replaceAll('"', '""')}"`;
  fc.assert(
    fc.property(name, name, fc.constantFrom(...FILTER_OPERATORS), value, (table, column, operator, text) => {
      // Without its quotes '<' followed by '=…' would be another operator; a quoted value has no such doubt.
      const typed = `${quote(table)}.${quote(column)} ${operator} '${text.replaceAll("'", "''")}'`;
      assert.deepEqual(parseWhere(typed), { table: quote(table), column, operator, value: text });
    }),
  );
});
