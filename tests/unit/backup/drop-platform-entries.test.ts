import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dropPlatformEntries } from '../../../supabase/functions/_shared/postgres/drop-platform-entries.ts';

const entry = (heading: string, sql: string) => `--\n-- Name: ${heading}\n--\n\n${sql}\n\n\n`;
const KEPT = entry(
  'bookings; Type: TABLE; Schema: public; Owner: postgres',
  'CREATE TABLE "public"."bookings" (\n--\n);',
);
const PLATFORM = [
  entry('issue_pg_cron_access; Type: EVENT TRIGGER; Schema: -; Owner: supabase_admin', 'CREATE EVENT TRIGGER x;'),
  entry('EXTENSION "pgcrypto"; Type: COMMENT; Schema: -; Owner: ', "COMMENT ON EXTENSION x IS 'y';"),
  entry(
    'DEFAULT PRIVILEGES FOR TABLES; Type: DEFAULT ACL; Schema: public; Owner: supabase_admin',
    'ALTER DEFAULT PRIVILEGES;',
  ),
  entry(
    'supabase_realtime_messages_publication messages; Type: PUBLICATION TABLE; Schema: realtime; Owner: supabase_admin',
    'ALTER;',
  ),
];

async function drop(text: string, cuts: number[] = []): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  async function* pieces() {
    let start = 0;
    for (const end of ends) {
      yield bytes.slice(start, end);
      start = end;
    }
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of dropPlatformEntries(pieces())) chunks.push(chunk);
  return new TextDecoder().decode(Buffer.concat(chunks));
}

test("the platform's event triggers, comments on extensions, default privileges and publications are left out", async () => {
  const head = 'SET row_security = off;\n\n';
  const text = head + PLATFORM[0] + KEPT + PLATFORM.slice(1).join('') + KEPT;
  assert.equal(await drop(text), head + KEPT + KEPT);
});

test('supabase_realtime is made only where it is missing, and its tables stay', async () => {
  const tables = entry(
    'supabase_realtime bookings; Type: PUBLICATION TABLE; Schema: public; Owner: postgres',
    'ALTER PUBLICATION x ADD;',
  );
  const out = await drop(
    entry('supabase_realtime; Type: PUBLICATION; Schema: -; Owner: postgres', 'CREATE PUBLICATION x;') + tables,
  );
  assert.match(out, /if not exists \(select from pg_catalog\.pg_publication/);
  assert.doesNotMatch(out, /CREATE PUBLICATION x/);
  assert.ok(out.endsWith(tables));
});

test('settings that pg_dump prints for the next entry survive the entry before them', async () => {
  const setting = "SET default_tablespace = '';\n";
  assert.equal(await drop(`${PLATFORM[0]}${setting}${KEPT}`), `${setting}${KEPT}`);
});

test('other text comes through byte for byte, wherever it is cut', async () => {
  const piece = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('--\n', '\n', KEPT, '-- Name: x\n', '--'));
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.array(fc.nat(500), { maxLength: 6 }), async (parts, cuts) => {
      const text = parts.join('');
      assert.equal(await drop(text, cuts), text);
    }),
  );
});
