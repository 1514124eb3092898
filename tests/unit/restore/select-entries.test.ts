import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectEntries } from '../../../supabase/functions/_shared/restore/select-entries.ts';
import { block, entriesOf, labels } from './dump-text.ts';

const PRE_DATA = entriesOf(
  block('SCHEMA', 'shop', 'CREATE SCHEMA "shop";', '-'),
  block('COMMENT', 'SCHEMA "shop"', `COMMENT ON SCHEMA "shop" IS 'x';`, '-'),
  block('TYPE', 'state', 'CREATE TYPE "public"."state" AS ENUM ();'),
  block('TABLE', 'booking', 'CREATE TABLE "public"."booking" ();'),
  block('TABLE', 'booking.old', 'CREATE TABLE "public"."booking.old" ();'),
  block('COMMENT', 'COLUMN "booking"."id"', `COMMENT ON COLUMN "public"."booking"."id" IS 'TABLE public.item';`),
  block('COMMENT', 'COLUMN "booking.old"."id"', `COMMENT ON COLUMN "public"."booking.old"."id" IS 'x';`),
  block('SEQUENCE', 'booking_id_seq', 'CREATE SEQUENCE "public"."booking_id_seq";'),
  block(
    'SEQUENCE OWNED BY',
    'booking_id_seq',
    'ALTER SEQUENCE "public"."booking_id_seq" OWNED BY "public"."booking"."id";',
  ),
  block('SEQUENCE', 'free_seq', 'CREATE SEQUENCE "public"."free_seq";'),
  block('TABLE', 'item', 'CREATE TABLE "shop"."item" ();', 'shop'),
  block(
    'SEQUENCE',
    'item_id_seq',
    'ALTER TABLE "shop"."item" ALTER COLUMN "id" ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "shop"."item_id_seq");',
    'shop',
  ),
  block('TABLE', 'part', 'CREATE TABLE "public"."part" ();'),
  block('TABLE ATTACH', 'part', 'ALTER TABLE ONLY "public"."whole" ATTACH PARTITION "public"."part" DEFAULT;'),
  block('DEFAULT', 'booking id', 'ALTER TABLE ONLY "public"."booking" ALTER COLUMN "id" SET DEFAULT 1;'),
  block('ACL', 'TABLE "booking"', 'GRANT SELECT ON TABLE "public"."booking" TO "anon";'),
  block('ACL', 'COLUMN "booking"."id"', 'GRANT SELECT("id") ON TABLE "public"."booking" TO "anon";'),
  block('ACL', 'SEQUENCE "booking_id_seq"', 'GRANT USAGE ON SEQUENCE "public"."booking_id_seq" TO "anon";'),
);
const POST_DATA = entriesOf(
  block(
    'CONSTRAINT',
    'booking booking_pkey',
    'ALTER TABLE ONLY "public"."booking"\n    ADD CONSTRAINT "booking_pkey" PRIMARY KEY ("id");',
  ),
  block(
    'CONSTRAINT',
    'part part_pkey',
    'ALTER TABLE ONLY "public"."part"\n    ADD CONSTRAINT "part_pkey" PRIMARY KEY ("id");',
  ),
  block('INDEX', 'by_room', 'CREATE INDEX "by_room" ON "public"."booking" USING "btree" ("room");'),
  block('COMMENT', 'INDEX "by_room"', `COMMENT ON INDEX "public"."by_room" IS 'x';`),
  block('INDEX ATTACH', 'part_pkey', 'ALTER INDEX "public"."whole_pkey" ATTACH PARTITION "public"."part_pkey";'),
  block(
    'STATISTICS',
    'stats',
    'CREATE STATISTICS "public"."stats" ON (EXTRACT(year FROM "at")), "b" FROM "public"."booking";',
  ),
  block('COMMENT', 'STATISTICS "stats"', `COMMENT ON STATISTICS "public"."stats" IS 'x';`),
  block(
    'RULE',
    'booking r',
    'CREATE RULE "r" AS\n    ON INSERT TO "public"."booking" DO INSTEAD DELETE FROM "shop"."item";',
  ),
  block(
    'TRIGGER',
    'booking t',
    'CREATE TRIGGER "t" AFTER INSERT ON "public"."booking" FOR EACH ROW EXECUTE FUNCTION "f"();',
  ),
  block('TRIGGER', 'part t', 'ALTER TABLE "public"."part" DISABLE TRIGGER "t";'),
  block('COMMENT', 'TRIGGER "t" ON "booking"', `COMMENT ON TRIGGER "t" ON "public"."booking" IS 'x';`),
  block(
    'FK CONSTRAINT',
    'booking to_item',
    'ALTER TABLE ONLY "public"."booking"\n    ADD CONSTRAINT "to_item" FOREIGN KEY ("item") REFERENCES "shop"."item"("id");',
  ),
  block(
    'FK CONSTRAINT',
    'booking to_self',
    'ALTER TABLE ONLY "public"."booking"\n    ADD CONSTRAINT "to_self" FOREIGN KEY ("b") REFERENCES "public"."booking"("id");',
  ),
  block('ROW SECURITY', 'booking', 'ALTER TABLE "public"."booking" ENABLE ROW LEVEL SECURITY;'),
  block('POLICY', 'booking p', 'CREATE POLICY "p" ON "public"."booking" USING (true);'),
  block(
    'POLICY',
    'item p',
    'CREATE POLICY "p" ON "shop"."item" USING ((EXISTS ( SELECT FROM "public"."booking")));',
    'shop',
  ),
  block('PUBLICATION TABLE', 'pub booking', 'ALTER PUBLICATION "pub" ADD TABLE ONLY "public"."booking";'),
);
const booking = [{ schema: 'public', name: 'booking' }];
const nothing = () => false;

test('a table takes with it all that is its own, and nothing else', () => {
  const { entries, sequences } = selectEntries(PRE_DATA, { tables: booking, schemas: null, exists: nothing });
  assert.deepEqual(labels(entries), [
    '',
    'DEFAULT ACL default privileges suspended',
    'TABLE booking',
    'COMMENT COLUMN "booking"."id"',
    'SEQUENCE booking_id_seq',
    'SEQUENCE OWNED BY booking_id_seq',
    'DEFAULT booking id',
    'ACL TABLE "booking"',
    'ACL COLUMN "booking"."id"',
    'ACL SEQUENCE "booking_id_seq"',
    'DEFAULT ACL default privileges resumed',
  ]);
  assert.deepEqual([...sequences], ['public.booking_id_seq']);
  const after = selectEntries(POST_DATA, { tables: booking, schemas: null, exists: nothing, sequences });
  assert.deepEqual(labels(after.entries), [
    '',
    'CONSTRAINT booking booking_pkey',
    'INDEX by_room',
    'COMMENT INDEX "by_room"',
    'STATISTICS stats',
    'COMMENT STATISTICS "stats"',
    'RULE booking r',
    'TRIGGER booking t',
    'COMMENT TRIGGER "t" ON "booking"',
    'FK CONSTRAINT booking to_self',
    'ROW SECURITY booking',
    'POLICY booking p',
  ]);
  assert.deepEqual(after.notes, [
    'the foreign key booking to_item is left out: shop.item is not restored and not in the target',
    'public.booking is not added to the publication pub, which is not restored',
  ]);
});

test('a foreign key to a table of the selection or of the target comes too', () => {
  const keys = (tables: { schema: string; name: string }[], exists: (schema: string, name: string) => boolean) =>
    labels(selectEntries(POST_DATA, { tables, schemas: null, exists }).entries).filter((label) =>
      /to_item/.test(label),
    );
  assert.deepEqual(keys([...booking, { schema: 'shop', name: 'item' }], nothing), ['FK CONSTRAINT booking to_item']);
  assert.deepEqual(
    keys(booking, (schema, name) => `${schema}.${name}` === 'shop.item'),
    ['FK CONSTRAINT booking to_item'],
  );
  assert.deepEqual(keys(booking, nothing), []);
});

test('a partition joins a parent that is restored at once, one that is there at the end, and none that is not', () => {
  const part = { schema: 'public', name: 'part' };
  const whole = { schema: 'public', name: 'whole' };
  const taken = (all: typeof PRE_DATA, tables: (typeof part)[], there: boolean) => {
    const { entries, later, notes } = selectEntries(all, {
      tables,
      schemas: null,
      exists: () => there,
      attachLater: true,
    });
    return { entries: labels(entries).filter((label) => !/^$|DEFAULT ACL/.test(label)), later: labels(later), notes };
  };
  assert.deepEqual(taken(PRE_DATA, [part, whole], false), {
    entries: ['TABLE part', 'TABLE ATTACH part'],
    later: [],
    notes: [],
  });
  assert.deepEqual(taken(PRE_DATA, [part], true), { entries: ['TABLE part'], later: ['TABLE ATTACH part'], notes: [] });
  assert.deepEqual(taken(POST_DATA, [part], true), {
    entries: ['CONSTRAINT part part_pkey'],
    later: ['TRIGGER part t'],
    notes: [],
  });
  assert.deepEqual(taken(PRE_DATA, [part], false).notes, [
    'public.part becomes a table of its own: public.whole, which it is a partition of, is not restored and not in the target',
  ]);
});

test('a schema comes with all that is in it, and what is said of it', () => {
  const { entries } = selectEntries(PRE_DATA, { tables: null, schemas: ['shop'], exists: nothing });
  assert.deepEqual(labels(entries), [
    '',
    'DEFAULT ACL default privileges suspended',
    'SCHEMA shop',
    'COMMENT SCHEMA "shop"',
    'TABLE item',
    'SEQUENCE item_id_seq',
    'DEFAULT ACL default privileges resumed',
  ]);
  const after = selectEntries(POST_DATA, { tables: null, schemas: ['shop'], exists: nothing });
  assert.deepEqual(labels(after.entries), ['', 'POLICY item p']);
});

test('what Holdfast puts in front for a whole database is not for a part of it', () => {
  const [head, ...rest] = PRE_DATA;
  const all = [{ ...head!, sql: `do $$ begin end $$;\ncreate extension if not exists "x";\n${head!.sql}` }, ...rest];
  const { entries } = selectEntries(all, { tables: booking, schemas: null, exists: nothing });
  assert.equal(
    entries[0]!.sql.trim(),
    "SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);",
  );
});
