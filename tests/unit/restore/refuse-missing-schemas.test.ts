import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Manifest } from '../../../supabase/functions/_shared/domain/manifest-types.ts';
import { refuseMissingSchemas } from '../../../supabase/functions/_shared/restore/refuse-missing-schemas.ts';
import { block, entriesOf } from './dump-text.ts';

const MANIFEST = { schema: { managed_schemas: ['auth', 'extensions', 'cron'] } } as unknown as Manifest;
const refuse = (schemas: string[], ...sql: string[]) =>
  refuseMissingSchemas(entriesOf(...sql.map((text, index) => block('TABLE', `t${index}`, text))), MANIFEST, {
    schemas,
  });

test('what refers to a schema of the platform that the target lacks is named, in code or quoted', () => {
  const uses = [
    'CREATE TABLE t (id uuid DEFAULT "extensions"."uuid_generate_v4"());',
    'ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES auth.users(id);',
    'CREATE EXTENSION "x" WITH SCHEMA "cron";',
    'CREATE TABLE fine ();',
  ];
  assert.throws(() => refuse(['public'], ...uses), {
    code: 'RESTORE_TARGET_UNUSABLE',
    message: /schemas auth, cron, extensions, which TABLE t0, TABLE t1, TABLE t2 refer to$/,
  });
  assert.throws(() => refuse(['public', 'extensions', 'cron'], ...uses), {
    message: /schemas auth, which TABLE t1 refer/,
  });
  refuse(['public', 'extensions', 'cron', 'auth'], ...uses);
});

test('a column, a text or the body of a function of that name is no schema', () => {
  refuse(
    ['public'],
    'CREATE TABLE t (auth text, cron int);',
    "CREATE TABLE u (a text DEFAULT 'auth.uid()');",
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ select auth.uid() $$;',
    'CREATE VIEW v AS SELECT t.auth FROM t;',
  );
});
