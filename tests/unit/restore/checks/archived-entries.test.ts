import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntries } from '../../../../supabase/functions/_shared/restore/checks/archived-entries.ts';

const DUMP = `--
-- PostgreSQL database dump
--

SET statement_timeout = 0;

--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY "public"."orders"
    ADD CONSTRAINT "orders_pkey" PRIMARY KEY ("id");


SET default_tablespace = '';

--
-- Name: orders Own; rows; Type: POLICY; Schema: My App; Owner: -
--

CREATE POLICY "Own; rows" ON "My App"."orders" USING (("note" <> '
--
x'::"text"));


--
-- PostgreSQL database dump complete
--

`;

test('every heading of a dump gives its name, type, schema and statement', () => {
  assert.deepEqual(parseEntries(DUMP), [
    {
      name: 'orders orders_pkey',
      type: 'CONSTRAINT',
      schema: 'public',
      sql: 'ALTER TABLE ONLY "public"."orders"\n    ADD CONSTRAINT "orders_pkey" PRIMARY KEY ("id");',
    },
    {
      name: 'orders Own; rows',
      type: 'POLICY',
      schema: 'My App',
      sql: `CREATE POLICY "Own; rows" ON "My App"."orders" USING (("note" <> '\n--\nx'::"text"));`,
    },
  ]);
});

test('a dump without entries gives none', () => {
  assert.deepEqual(parseEntries('--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n'), []);
});
