import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteLiteral } from '../../../supabase/functions/_shared/postgres/identifiers.ts';
import { holdBack } from '../../../supabase/functions/_shared/restore/hold-back.ts';
import { splitDump } from '../../../supabase/functions/_shared/restore/split-dump.ts';
import { block, entriesOf, HEAD, labels, TAIL } from './dump-text.ts';

const FUNCTIONS = entriesOf(
  block('FUNCTION', 'tell()', 'CREATE FUNCTION "public"."tell"() AS $$ perform net.http_post(url) $$;'),
  block('FUNCTION', 'by_way()', 'CREATE FUNCTION "public"."by_way"() AS $$ perform public.tell() $$;'),
  block('FUNCTION', 'linked()', `CREATE FUNCTION "public"."linked"() AS $$ perform dblink_exec('x') $$;`),
  block('FUNCTION', 'inside()', 'CREATE FUNCTION "public"."inside"() AS $$ net_http := storytell(1) $$;'),
);
const trigger = (name: string, called: string, rest = '') =>
  block(
    'TRIGGER',
    `t ${name}`,
    `CREATE TRIGGER "${name}" AFTER INSERT ON "public"."t" FOR EACH ROW EXECUTE FUNCTION ${called}('a', ' ON x EXECUTE FUNCTION y(');${rest}`,
  );
const held = (...blocks: string[]) => holdBack(entriesOf(...blocks), FUNCTIONS);

test('triggers that reach out are created disabled, whoever they reach through', () => {
  for (const called of [
    '"public"."tell"',
    '"public"."by_way"',
    '"public"."linked"',
    '"supabase_functions"."http_request"',
    '"net"."http_post"',
    '"extensions"."http"',
  ]) {
    const { entries, heldBack } = held(trigger('w"h'.replace('"', '""'), called));
    assert.match(entries[1]!.sql, /CREATE TRIGGER[\s\S]*ALTER TABLE "public"\."t" DISABLE TRIGGER "w""h";\n$/, called);
    assert.equal(heldBack.length, 1);
    assert.equal(heldBack[0]!.name, 'w"h on public.t');
    assert.equal(heldBack[0]!.activateSql, 'ALTER TABLE "public"."t" ENABLE TRIGGER "w""h";');
  }
});

test('what stays inside of the database stays exactly as it is', () => {
  const entries = entriesOf(trigger('a', '"public"."inside"'), block('INDEX', 'i', 'CREATE INDEX i ON t (a);'));
  assert.deepEqual(holdBack(entries, FUNCTIONS), { entries, heldBack: [] });
});

test('a trigger is turned on in the mode that it had, and one that was off stays off', () => {
  const mode = (word: string) => `\n\nALTER TABLE "public"."t" ${word} TRIGGER "a";`;
  for (const word of ['ENABLE ALWAYS', 'ENABLE REPLICA']) {
    const { heldBack } = held(trigger('a', '"public"."tell"', mode(word)));
    assert.equal(heldBack[0]!.activateSql, `ALTER TABLE "public"."t" ${word} TRIGGER "a";`);
  }
  assert.deepEqual(held(trigger('a', '"public"."tell"', mode('DISABLE'))).heldBack, []);
});

test("a partition's own setting of a held trigger waits for the trigger, or is held when only it was on", () => {
  const own = (word: string) => block('TRIGGER', 'part a', `ALTER TABLE "public"."part" ${word} TRIGGER "a";`);
  const on = held(trigger('a', '"public"."tell"'), own('DISABLE'));
  assert.deepEqual(labels(on.entries), ['', 'TRIGGER t a']);
  assert.equal(
    on.heldBack[0]!.activateSql,
    'ALTER TABLE "public"."t" ENABLE TRIGGER "a";\nALTER TABLE "public"."part" DISABLE TRIGGER "a";',
  );
  const off = held(
    trigger('a', '"public"."tell"', '\nALTER TABLE "public"."t" DISABLE TRIGGER "a";'),
    own('ENABLE ALWAYS'),
  );
  assert.deepEqual(labels(off.entries), ['', 'TRIGGER t a']);
  assert.deepEqual(
    off.heldBack.map(({ name, activateSql }) => [name, activateSql]),
    [['a on public.part', 'ALTER TABLE "public"."part" ENABLE ALWAYS TRIGGER "a";']],
  );
  assert.deepEqual(labels(held(trigger('a', '"public"."inside"'), own('DISABLE')).entries), [
    '',
    'TRIGGER t a',
    'TRIGGER part a',
  ]);
});

test("on the platform's tables, which only the platform may alter, such a trigger is not created", () => {
  const addition = (called: string) => {
    const statement = `CREATE TRIGGER hook AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION ${called}('a\\b')`;
    return `do ${quoteLiteral(`begin\n  execute ${quoteLiteral(statement)};\nend`)};\n`;
  };
  const text =
    HEAD + block('INDEX', 'i', 'CREATE INDEX i ON t (a);') + TAIL + addition('public.tell') + addition('public.inside');
  const { entries, heldBack } = holdBack(splitDump(text), FUNCTIONS);
  assert.deepEqual(
    entries.slice(2).map(({ sql }) => sql),
    [addition('public.inside')],
  );
  assert.deepEqual(
    heldBack.map(({ name, activateSql }) => [name, activateSql]),
    [['hook on auth.users', addition('public.tell').trim()]],
  );
});

test('publications and subscriptions are left out with all that is said of them, and come back in order', () => {
  const create = 'CREATE PUBLICATION "p" WITH (publish = \'insert\');\n\n\nALTER PUBLICATION "p" OWNER TO "o";';
  const { entries, heldBack } = held(
    block('PUBLICATION', 'p', create, '-'),
    block('COMMENT', 'PUBLICATION "p"', `COMMENT ON PUBLICATION "p" IS '-- not a comment';`, '-'),
    block('PUBLICATION TABLE', 'p t', 'ALTER PUBLICATION "p" ADD TABLE ONLY "public"."t";'),
    block('PUBLICATION TABLES IN SCHEMA', 'p public', 'ALTER PUBLICATION "p" ADD TABLES IN SCHEMA "public";'),
    block(
      'SUBSCRIPTION',
      's',
      `CREATE SUBSCRIPTION "s" CONNECTION 'x' PUBLICATION "p" WITH (connect = false, slot_name = 's');`,
      '-',
    ),
    block('COMMENT', 'SUBSCRIPTION "s"', `COMMENT ON SUBSCRIPTION "s" IS 'x';`, '-'),
  );
  assert.deepEqual(labels(entries), ['']);
  assert.deepEqual(
    heldBack.map(({ kind, name }) => `${kind} ${name}`),
    ['publication p', 'subscription s'],
  );
  const lines = heldBack[0]!.activateSql.split('\n').filter(Boolean);
  assert.deepEqual(lines, [
    'CREATE PUBLICATION "p" WITH (publish = \'insert\');',
    'ALTER PUBLICATION "p" OWNER TO "o";',
    `COMMENT ON PUBLICATION "p" IS '-- not a comment';`,
    'ALTER PUBLICATION "p" ADD TABLE ONLY "public"."t";',
    'ALTER PUBLICATION "p" ADD TABLES IN SCHEMA "public";',
  ]);
  assert.match(heldBack[1]!.activateSql, /connect = false[\s\S]*COMMENT ON SUBSCRIPTION/);
});

test('event triggers are created disabled, and come back in their mode', () => {
  const event = (rest: string) =>
    block(
      'EVENT TRIGGER',
      'e',
      `CREATE EVENT TRIGGER "e" ON "sql_drop"\n   EXECUTE FUNCTION "f"();\n${rest}\n\nALTER EVENT TRIGGER "e" OWNER TO "o";`,
      '-',
    );
  for (const mode of ['', 'ENABLE ALWAYS', 'ENABLE REPLICA']) {
    const { entries, heldBack } = held(event(mode && `\nALTER EVENT TRIGGER "e" ${mode};`));
    assert.match(entries[1]!.sql, /ALTER EVENT TRIGGER "e" DISABLE;\n$/);
    assert.equal(heldBack[0]!.activateSql, `ALTER EVENT TRIGGER "e" ${mode || 'ENABLE'};`);
  }
  assert.deepEqual(held(event('\nALTER EVENT TRIGGER "e" DISABLE;')).heldBack, []);
});
