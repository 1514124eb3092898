import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoteLiteral } from '../../../supabase/functions/_shared/postgres/identifiers.ts';
import { splitDump } from '../../../supabase/functions/_shared/restore/split-dump.ts';
import { block, entriesOf, HEAD, labels, TAIL } from './dump-text.ts';

test('a dump is cut at its headings, with the settings in front', () => {
  const entries = entriesOf(
    block('SCHEMA', 'app', 'CREATE SCHEMA "app";', '-'),
    block('TABLE', 'a; Type: INDEX', 'CREATE TABLE "app"."a; Type: INDEX" ();', 'app'),
    block('ACCESS METHOD', 'heap2', 'CREATE ACCESS METHOD "heap2";', '-'),
  );
  assert.deepEqual(labels(entries), ['', 'SCHEMA app', 'TABLE a; Type: INDEX', 'ACCESS METHOD heap2']);
  assert.match(entries[0]!.sql, /SET statement_timeout = 0;\nSELECT pg_catalog\.set_config/);
  assert.deepEqual(
    entries.map(({ schema }) => schema),
    ['', '', 'app', ''],
  );
  assert.equal(entries[2]!.owner, 'owner');
});

test('headings inside of strings, bodies, comments and names are text', () => {
  const heading = '\n--\n-- Name: x; Type: TABLE; Schema: public; Owner: y\n--\n';
  fc.assert(
    fc.property(fc.constantFrom('$f$', "'", '"', '/*'), (quote) => {
      const close = quote === '/*' ? '*/' : quote;
      const entries = entriesOf(
        block('FUNCTION', 'f()', `CREATE FUNCTION f() AS ${quote}${heading}SET default_tablespace = x;\n${close};`),
        block('TABLE', 'after', 'CREATE TABLE after ();'),
      );
      assert.deepEqual(labels(entries), ['', 'FUNCTION f()', 'TABLE after']);
      assert.ok(entries[1]!.sql.includes(`${heading}SET default_tablespace = x;`));
      assert.doesNotMatch(entries[2]!.sql, /tablespace/);
    }),
  );
});

test('nothing of the SQL is lost or changed', () => {
  const sqls = ['CREATE TABLE a ();', "COMMENT ON TABLE a IS '\n\n';", 'SET x = 1;'];
  const entries = entriesOf(...sqls.map((sql, index) => block('TABLE', `t${index}`, sql)));
  for (const [index, sql] of sqls.entries()) assert.ok(entries[index + 1]!.sql.includes(sql));
});

test('a tablespace or access method holds for the entries that it stood before, and for no other', () => {
  const entries = entriesOf(
    block('FUNCTION', 'f()', 'SELECT 1;') +
      'SET default_tablespace = \'\';\n\nSET default_table_access_method = "heap";\n\n',
    `${block('TABLE', 'usual', 'CREATE TABLE usual ();')}SET default_tablespace = "fast";\n\n`,
    `${block('TABLE', 'fast', 'CREATE TABLE fast ();')}SET default_table_access_method = columnar;\n\n`,
    block('VIEW', 'v', 'CREATE VIEW v AS SELECT 1;'),
    block('TABLE', 'both', 'CREATE TABLE both ();') +
      "SET default_tablespace = '';\n\nSET default_table_access_method = heap;\n\n",
    block('TABLE', 'again', 'CREATE TABLE again ();'),
  );
  const settings = entries.map(({ sql }) => sql.split('\n').filter((line) => line.startsWith('SET LOCAL')));
  const toDefault = (name: string) => `SET LOCAL ${name} TO DEFAULT;`;
  const [space, method] = ['default_tablespace', 'default_table_access_method'];
  assert.deepEqual(settings.slice(1), [
    [],
    [],
    [`SET LOCAL ${space} = "fast";`, toDefault(space)],
    [],
    [`SET LOCAL ${space} = "fast";`, `SET LOCAL ${method} = columnar;`, toDefault(space), toDefault(method)],
    [],
  ]);
  assert.ok(entries.every(({ sql }) => !/^SET default_/m.test(sql)));
});

test('what a backup of a Supabase project adds is entries of its own', () => {
  const realtime = `do $$ begin
  if not exists (select from pg_catalog.pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end $$;

`;
  const policy = "CREATE POLICY own ON storage.objects USING ((owner = 'a\\b'))";
  const addition = `do ${quoteLiteral(`begin\n  execute ${quoteLiteral(policy)};\nend`)};\n`;
  const text =
    HEAD +
    block('POLICY', 'a own', 'CREATE POLICY own ON a;') +
    realtime +
    block('PUBLICATION', 'p', 'CREATE PUBLICATION p;', '-') +
    TAIL +
    addition +
    addition;
  const entries = splitDump(text);
  assert.deepEqual(labels(entries), [
    '',
    'POLICY a own',
    'PLATFORM supabase_realtime',
    'PUBLICATION p',
    'PLATFORM CREATE POLICY own',
    'PLATFORM CREATE POLICY own',
  ]);
  assert.equal(entries[2]!.sql.trim(), realtime.trim());
  assert.equal(entries[4]!.sql, addition);
  assert.doesNotMatch(entries[1]!.sql + entries[3]!.sql, /^do/m);
});

test('a subscription of a server 15 runs on 15 too', () => {
  const statement = `CREATE SUBSCRIPTION "s" CONNECTION 'host=x, run_as_owner = true)' PUBLICATION "p" WITH (connect = false, slot_name = 's', run_as_owner = true)`;
  const [, entry] = entriesOf(
    block('SUBSCRIPTION', 's', `${statement};\n\n\nALTER SUBSCRIPTION "s" OWNER TO "o";`, '-'),
  );
  assert.match(entry!.sql, /server_version_num/);
  assert.match(entry!.sql, /ALTER SUBSCRIPTION "s" OWNER TO "o";/);
  const newer = statement.replace(/, run_as_owner = true\)$/, ')').replace(', run_as_owner = true)', ')');
  const [, same] = entriesOf(block('SUBSCRIPTION', 's', `${newer};`, '-'));
  assert.doesNotMatch(same!.sql, /server_version_num/);
});

test("a Supabase backup's extensions are entries, which a restore may go without", () => {
  const create = (name: string) => `create extension if not exists "${name}" with schema "extensions";\n`;
  const entries = splitDump(
    `${create('pg_cron')}${create('a ""b""')}${HEAD}${block('TABLE', 'a', 'CREATE TABLE a ();')}${TAIL}`,
  );
  assert.deepEqual(labels(entries), ['', 'EXTENSION pg_cron', 'EXTENSION a "b"', 'TABLE a']);
  assert.doesNotMatch(entries[0]!.sql, /create extension/);
  assert.equal(entries[1]!.sql, create('pg_cron'));
  const own = entriesOf(
    block('EXTENSION', 'citext', 'CREATE EXTENSION IF NOT EXISTS "citext" WITH SCHEMA "public";', '-'),
  );
  assert.deepEqual(labels(own), ['', 'EXTENSION citext']);
});
