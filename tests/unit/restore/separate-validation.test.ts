import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleEntries } from '../../../supabase/functions/_shared/restore/schedule-entries.ts';
import { separateValidation } from '../../../supabase/functions/_shared/restore/separate-validation.ts';
import { block, entriesOf } from './dump-text.ts';

const foreign = (table: string, name: string, to: string, { only = 'ONLY ', rest = '' } = {}) =>
  block(
    'FK CONSTRAINT',
    `${table} ${name}`,
    `ALTER TABLE ${only}"public"."${table}"\n    ADD CONSTRAINT "${name}" FOREIGN KEY ("a") REFERENCES "public"."${to}"("id")${rest};`,
  );
const table = (name: string, rest = '') =>
  block('TABLE', name, `CREATE TABLE "public"."${name}" (\n    "id" integer DEFAULT 1\n)${rest};`);

const PLAIN = ['a', 'b', 'c'].map((name) => table(name));

function separated(blocks: string[], preData: string[] = PLAIN) {
  const [, ...stages] = separateValidation(scheduleEntries(entriesOf(...blocks)), entriesOf(...preData));
  return stages.map((stage) =>
    stage.map(({ entries, tables }) => ({
      sql: entries.map(({ sql }) =>
        sql
          .replace(/^--.*\n/gm, '')
          .trim()
          .replace(/\s+/g, ' '),
      ),
      tables,
    })),
  );
}

test('keys are added first, without a look at the rows, and then each referring table is looked at for itself', () => {
  const [add, validate, ...more] = separated([
    foreign('a', 'to "b"'.replaceAll('"', '""'), 'b'),
    foreign('c', 'to_b', 'b', { rest: ' ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED' }),
  ]);
  assert.deepEqual(more, []);
  assert.deepEqual(add, [
    {
      sql: [
        'ALTER TABLE ONLY "public"."a" ADD CONSTRAINT "to ""b""" FOREIGN KEY ("a") REFERENCES "public"."b"("id") NOT VALID;',
      ],
      tables: ['public.a', 'public.b'],
    },
    {
      sql: [
        'ALTER TABLE ONLY "public"."c" ADD CONSTRAINT "to_b" FOREIGN KEY ("a") REFERENCES "public"."b"("id") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED NOT VALID;',
      ],
      tables: ['public.c', 'public.b'],
    },
  ]);
  assert.deepEqual(validate, [
    { sql: ['ALTER TABLE ONLY "public"."a" VALIDATE CONSTRAINT "to ""b""";'], tables: ['public.a'] },
    { sql: ['ALTER TABLE ONLY "public"."c" VALIDATE CONSTRAINT "to_b";'], tables: ['public.c'] },
  ]);
});

test('a key that the source never validated, and keys from or to partitioned tables, stay as pg_dump wrote them', () => {
  const parts = [...PLAIN, table('parts', '\nPARTITION BY RANGE ("id")'), table('plain')];
  const left = foreign('plain', 'never', 'a', { rest: ' NOT VALID' });
  const [only, ...more] = separated(
    [left, foreign('parts', 'from', 'a', { only: '' }), foreign('plain', 'to_parts', 'parts')],
    parts,
  );
  assert.deepEqual(more, [], 'nothing is left to validate');
  assert.deepEqual(
    only!.map(({ sql: [text] }) => /NOT VALID/.test(text!)),
    [true, false, false],
  );
  assert.equal(only![0]!.sql[0]!.match(/NOT VALID/g)!.length, 1);
});

test('a comment on a key follows the key at once, and other stages pass as they are', () => {
  const comment = block('COMMENT', 'CONSTRAINT "f" ON "a"', `COMMENT ON CONSTRAINT "f" ON "public"."a" IS 'x';`);
  const stages = separated([block('TRIGGER', 'a t', 'SELECT 1;'), foreign('a', 'f', 'b'), comment]);
  assert.deepEqual(
    stages.map((stage) => stage.map(({ sql }) => sql.length)),
    [[1], [2], [1]],
  );
});

test('a key to a table that is not made here stays whole, for it may be partitioned, unless it is known not to be', () => {
  const key = foreign('a', 'elsewhere', 'there');
  const stages = (ordinary: { schema: string; name: string }[]) =>
    separateValidation(scheduleEntries(entriesOf(key)), entriesOf(table('a')), ordinary).slice(1);
  assert.equal(stages([]).length, 1);
  assert.doesNotMatch(stages([])[0]![0]!.entries[0]!.sql, /NOT VALID/);
  assert.equal(stages([{ schema: 'public', name: 'there' }]).length, 2);
});
