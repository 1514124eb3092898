import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodiesThatName, renameSchema } from '../../../supabase/functions/_shared/restore/rename-schema.ts';

const rename = (sql: string) => renameSchema(sql, { from: 'app', to: 'new"', names: null });

test('a schema is renamed where it qualifies a name and where SCHEMA names it', () => {
  for (const [sql, wanted] of [
    ['CREATE SCHEMA app;', 'CREATE SCHEMA "new""";'],
    ['COMMENT ON SCHEMA "app" IS \'app.x\';', 'COMMENT ON SCHEMA "new""" IS \'app.x\';'],
    ['GRANT USAGE ON SCHEMA app TO app;', 'GRANT USAGE ON SCHEMA "new""" TO app;'],
    [
      'ALTER TABLE ONLY app.t ADD REFERENCES "app".u(app);',
      'ALTER TABLE ONLY "new""".t ADD REFERENCES "new""".u(app);',
    ],
    ['CREATE TABLE "App".t (app app.t);', 'CREATE TABLE "App".t (app "new""".t);'],
    ['x.app.y /* app.t */ -- app.t', 'x.app.y /* app.t */ -- app.t'],
    ["f('app.t', $$app.t$$)", "f('app.t', $$app.t$$)"],
  ] as const)
    assert.equal(rename(sql), wanted);
});

test('sequences named in texts that pg_dump writes are renamed', () => {
  for (const [sql, wanted] of [
    [`"nextval"('"app"."s"'::"regclass")`, `"nextval"('"new"""."s"'::"regclass")`],
    [`nextval('app.s'::regclass)`, `nextval('"new""".s'::regclass)`],
    [`SELECT pg_catalog.setval('"app"."it''s"', 5, true);`, `SELECT pg_catalog.setval('"new"""."it''s"', 5, true);`],
    [`nextval('other.app'::regclass)`, `nextval('other.app'::regclass)`],
    [`SELECT f('app.s')`, `SELECT f('app.s')`],
  ] as const)
    assert.equal(rename(sql), wanted);
});

test('a schema whose name has quotes of both kinds is found in texts', () => {
  const sql = `nextval('"o''""x"."s"'::regclass)`;
  assert.equal(renameSchema(sql, { from: `o'"x`, to: `n'w`, names: null }), `nextval('"n''w"."s"'::regclass)`);
});

test('headings say the new name', () => {
  const sql = '--\n-- Name: t app; Type: TABLE; Schema: app; Owner: app\n--\n';
  assert.equal(renameSchema(sql, { from: 'app', to: 'b', names: null }), sql.replace('Schema: app', 'Schema: b'));
});

test('columns of a table that has the name of the schema are not renamed', () => {
  const view = `CREATE VIEW "app"."v" AS SELECT "app"."id", "app"."f"("app"."id") AS "x", 'n'::"app"."state" AS "s", "app"."app"."id" FROM ("app"."app" JOIN "app"."u" ON (("app"."id" = "u"."id"))) ORDER BY "app"."id";`;
  assert.equal(
    renameSchema(view, { from: 'app', to: 'b', names: null }),
    `CREATE VIEW "b"."v" AS SELECT "app"."id", "b"."f"("app"."id") AS "x", 'n'::"b"."state" AS "s", "b"."app"."id" FROM ("b"."app" JOIN "b"."u" ON (("app"."id" = "u"."id"))) ORDER BY "app"."id";`,
  );
});

test('everybody is not the schema public', () => {
  const sql =
    'CREATE POLICY p ON "public"."t" TO PUBLIC USING (( SELECT "public"."f"(ARRAY[\'a\'::"public"."role"])));';
  assert.equal(renameSchema(sql, { from: 'public', to: 'b', names: null }), sql.replaceAll('"public"', '"b"'));
});

test('functions whose text names the schema are found, and their text stays', () => {
  const f = (rest: string) =>
    `--\n-- Name: f\n--\n\nCREATE FUNCTION "app"."do it"("a" integer) RETURNS integer ${rest};`;
  for (const [rest, found] of [
    ['AS $$ select * from app.t $$', true],
    ['AS $$ select * from "app" . t $$', true],
    [`SET "search_path" TO 'pg_temp', 'app' AS $$ select 1 $$`, true],
    ['AS $$ select * from myapp.t, "my app".x, app_.t $$', false],
    [`SET "role" TO 'app' AS $$ select 1 $$`, false],
  ] as const) {
    assert.deepEqual(bodiesThatName(f(rest), 'app'), found ? ['app.do it'] : [], rest);
    assert.ok(renameSchema(f(rest), { from: 'app', to: 'b', names: null }).endsWith(`${rest};`));
  }
  assert.deepEqual(bodiesThatName("COMMENT ON FUNCTION app.f() IS 'app.t';", 'app'), []);
});

test('where single tables move, only their own names do; the types and functions that they use stay', () => {
  const names = new Set(['t', 'Odd "name', 't_id_seq']);
  const sql = `CREATE TABLE app.t (a app.kind DEFAULT app.f('x'), b bigint DEFAULT nextval('app.t_id_seq'::regclass), c bigint DEFAULT nextval('app.other'::regclass), FOREIGN KEY (a) REFERENCES app."Odd ""name"(a));`;
  assert.equal(
    renameSchema(sql, { from: 'app', to: 'b', names }),
    `CREATE TABLE "b".t (a app.kind DEFAULT app.f('x'), b bigint DEFAULT nextval('"b".t_id_seq'::regclass), c bigint DEFAULT nextval('app.other'::regclass), FOREIGN KEY (a) REFERENCES "b"."Odd ""name"(a));`,
  );
});
