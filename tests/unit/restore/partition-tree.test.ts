import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionTree } from '../../../supabase/functions/_shared/restore/partition-tree.ts';
import { block, entriesOf } from './dump-text.ts';

const attach = (parent: string, child: string, name: string) =>
  block('TABLE ATTACH', name, `ALTER TABLE ONLY ${parent} ATTACH PARTITION ${child} FOR VALUES IN ('PARTITION "x"');`);
const TREE = partitionTree(
  entriesOf(
    block('TABLE', 'whole', 'CREATE TABLE "public"."whole" ();'),
    attach('"public"."whole"', '"parts"."a.b"', 'a.b'),
    attach('"parts"."a.b"', '"parts"."PARTITION"', 'PARTITION'),
    attach('"parts"."a.b"', '"parts"."the ""last"""', 'the "last"'),
    attach('"public"."whole"', '"public"."rest"', 'rest'),
  ),
);
const named = (schema: string, name: string) => ({ schema, name });

test('what is above a partition begins with the nearest, and what is below a table are all levels', () => {
  assert.deepEqual(TREE.above(named('parts', 'PARTITION')), [named('parts', 'a.b'), named('public', 'whole')]);
  assert.deepEqual(TREE.below(named('public', 'whole')), [
    named('parts', 'a.b'),
    named('parts', 'PARTITION'),
    named('parts', 'the "last"'),
    named('public', 'rest'),
  ]);
});

test('a dot in a name is no other schema, and a table without partitions has nothing above or below', () => {
  assert.deepEqual(TREE.below(named('parts.a', 'b')), []);
  assert.deepEqual(TREE.above(named('public', 'whole')), []);
  assert.deepEqual(TREE.below(named('public', 'rest')), []);
});
