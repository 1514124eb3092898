import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DumpEntry } from '../../../../supabase/functions/_shared/restore/contracts.ts';
import { withoutMissingRoles } from '../../../../supabase/functions/_shared/restore/drill/map-roles.ts';

const entry = (type: string, sql: string, owner = 'postgres'): DumpEntry => ({
  name: 'x',
  schema: 'public',
  type,
  owner,
  sql,
});
const map = (one: DumpEntry) =>
  withoutMissingRoles([one], { missing: new Set(['gone', 'Also Gone']), own: 'postgres' })[0]!.sql;

test('a role that the server does not have is replaced wherever a statement names it as one', () => {
  for (const [type, sql, expected] of [
    ['ACL', 'GRANT SELECT ON TABLE "public"."gone" TO "gone";', 'GRANT SELECT ON TABLE "public"."gone" TO "postgres";'],
    [
      'ACL',
      'GRANT ALL ON TABLE a TO anon, gone, "Also Gone";',
      'GRANT ALL ON TABLE a TO anon, "postgres", "postgres";',
    ],
    ['ACL', 'REVOKE ALL ON TABLE a FROM gone;', 'REVOKE ALL ON TABLE a FROM "postgres";'],
    [
      'DEFAULT ACL',
      'ALTER DEFAULT PRIVILEGES FOR ROLE gone GRANT SELECT ON TABLES TO anon;',
      'ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" GRANT SELECT ON TABLES TO anon;',
    ],
    [
      'POLICY',
      `CREATE POLICY p ON a TO anon, gone USING ((name = 'gone'));`,
      `CREATE POLICY p ON a TO anon, "postgres" USING ((name = 'gone'));`,
    ],
  ] as const)
    assert.equal(map(entry(type, sql)), expected);
  const table = entry('TABLE', 'CREATE TABLE a (gone text);\nALTER TABLE a OWNER TO gone;', 'gone');
  assert.equal(map(table), 'CREATE TABLE a (gone text);\nALTER TABLE a OWNER TO "postgres";');
});

test('what names no missing role stays as it is', () => {
  const sql = 'CREATE TABLE gone (a text);\nALTER TABLE gone OWNER TO postgres;';
  assert.equal(map(entry('TABLE', sql)), sql);
  const policy = `CREATE POLICY gone ON a TO anon USING (true);`;
  assert.equal(map(entry('POLICY', policy)), policy);
});
