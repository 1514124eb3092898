import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleEntries } from '../../../supabase/functions/_shared/restore/schedule-entries.ts';
import { block, entriesOf, labels } from './dump-text.ts';

const key = (table: string, name: string) =>
  block(
    'CONSTRAINT',
    `${table} ${name}`,
    `ALTER TABLE ONLY "public"."${table}"\n    ADD CONSTRAINT "${name}" PRIMARY KEY ("id");`,
  );
const index = (table: string, name: string, rest = '') =>
  block('INDEX', name, `CREATE INDEX "${name}" ON "public"."${table}" USING "btree" ("a");${rest}`);
const foreign = (table: string, name: string, to: string) =>
  block(
    'FK CONSTRAINT',
    `${table} ${name}`,
    `ALTER TABLE ONLY "public"."${table}"\n    ADD CONSTRAINT "${name}" FOREIGN KEY ("a") REFERENCES "public"."${to}"("id");`,
  );
const other = (type: string, name: string) => block(type, name, `SELECT '${type}';`);

const stagesOf = (...blocks: string[]) => scheduleEntries(entriesOf(...blocks));
const shape = (stages: ReturnType<typeof scheduleEntries>) =>
  stages.map((stage) => stage.map(({ entries }) => labels(entries).join(' + ')));

test('keys and indexes are built together, then attached; foreign keys come together; all else in its order, alone', () => {
  const stages = stagesOf(
    key('a', 'a_pkey'),
    key('b', 'b_pkey'),
    key('a', 'a_once'),
    index('a', 'a1'),
    index('a', 'a2'),
    other('INDEX ATTACH', 'b_pkey'),
    other('STATISTICS', 's'),
    other('RULE', 'v _RETURN'),
    other('TRIGGER', 'a t'),
    foreign('a', 'to_b', 'b'),
    foreign('b', 'to_a', 'a'),
    other('POLICY', 'a p'),
    other('MATERIALIZED VIEW DATA', 'm1'),
    other('MATERIALIZED VIEW DATA', 'm2'),
  );
  assert.deepEqual(shape(stages), [
    [''],
    ['CONSTRAINT a a_pkey + CONSTRAINT a a_once', 'CONSTRAINT b b_pkey', 'INDEX a1', 'INDEX a2'],
    ['INDEX ATTACH b_pkey'],
    ['STATISTICS s'],
    ['RULE v _RETURN'],
    ['TRIGGER a t'],
    ['FK CONSTRAINT a to_b', 'FK CONSTRAINT b to_a'],
    ['POLICY a p'],
    ['MATERIALIZED VIEW DATA m1'],
    ['MATERIALIZED VIEW DATA m2'],
  ]);
  assert.deepEqual(
    stages.map(([unit]) => unit!.everywhere ?? false),
    [true, ...Array(9).fill(false)],
  );
});

test('units say which tables they need, and whether for themselves', () => {
  const [, build, foreigns] = stagesOf(
    key('a', 'k'),
    index('a', 'plain'),
    index('a', 'clustered', '\n\nALTER TABLE "public"."a" CLUSTER ON "clustered";'),
    foreign('a', 'to_b', 'b'),
    foreign('a', 'to_self', 'a'),
  );
  assert.deepEqual(
    build!.map(({ tables, exclusive }) => [tables, exclusive]),
    [
      [['public.a'], true],
      [['public.a'], false],
      [['public.a'], true],
    ],
  );
  assert.deepEqual(
    foreigns!.map(({ tables, exclusive }) => [tables, exclusive]),
    [
      [['public.a', 'public.b'], true],
      [['public.a', 'public.a'], true],
    ],
  );
});

test('a check that is not validated stays among the keys of its table; one that looks at rows runs alone', () => {
  const check = (name: string, rest: string) =>
    block(
      'CHECK CONSTRAINT',
      `a ${name}`,
      `ALTER TABLE "public"."a"\n    ADD CONSTRAINT "${name}" CHECK (("a" > 0))${rest};`,
    );
  const stages = stagesOf(key('a', 'k'), check('c', ' NOT VALID'), key('b', 'k'), index('a', 'i'), check('d', ''));
  assert.deepEqual(shape(stages), [
    [''],
    ['CONSTRAINT a k + CHECK CONSTRAINT a c', 'CONSTRAINT b k', 'INDEX i'],
    ['CHECK CONSTRAINT a d'],
  ]);
});

test('a comment goes with the index or key that it is on, and does not end the run', () => {
  const stages = stagesOf(
    key('a', 'k'),
    block('COMMENT', 'CONSTRAINT "k" ON "a"', `COMMENT ON CONSTRAINT "k" ON "public"."a" IS 'x';`),
    index('a', 'i'),
    block('COMMENT', 'INDEX "i"', `COMMENT ON INDEX "public"."i" IS 'x';`),
    index('a', 'j'),
    block('COMMENT', 'INDEX "i"', `COMMENT ON INDEX "public"."i" IS 'y';`),
  );
  assert.deepEqual(shape(stages), [
    [''],
    ['CONSTRAINT a k + COMMENT CONSTRAINT "k" ON "a"', 'INDEX i + COMMENT INDEX "i"', 'INDEX j'],
    ['COMMENT INDEX "i"'],
  ]);
});

test('every entry is in the schedule once', () => {
  const entries = entriesOf(
    key('a', 'k'),
    foreign('a', 'f', 'b'),
    key('b', 'k'),
    index('c', 'i'),
    other('X', 'y'),
    foreign('b', 'g', 'a'),
  );
  const scheduled = scheduleEntries(entries)
    .flat()
    .flatMap((unit) => unit.entries);
  assert.equal(scheduled.length, entries.length);
  assert.deepEqual(new Set(scheduled), new Set(entries));
});
