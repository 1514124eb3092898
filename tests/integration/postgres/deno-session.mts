/** Run by login.test.ts on Deno (hence .mts: Node's types do not fit): what the functions do with the database, as JSON. */
import process from 'node:process';
import { denoPlatform } from '../../../supabase/functions/_shared/platform-deno.ts';
import { parseConnectionUrl } from '../../../supabase/functions/_shared/postgres/connection-url.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { pgDump } from '../../../supabase/functions/_shared/postgres/pg-dump.ts';

const url = process.env.TEST_URL!;
const to = parseConnectionUrl(url, [process.env.TEST_CA!]);
const codeOf = (target: string) =>
  openSession(denoPlatform, target).then(
    () => 'connected',
    (error: { code: string }) => error.code,
  );

const session = await openSession(denoPlatform, to);
const ssl = await session.query('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
let bytes = 0;
let rows = 0;
for await (const block of session.copyOut('copy (select generate_series(1, 1000000)) to stdout')) {
  bytes += block.bytes.length;
  rows += block.rows;
}
await session.close();

let dump = '';
await pgDump(denoPlatform, to, { args: ['--schema-only'], onData: (part) => (dump += new TextDecoder().decode(part)) });

const sql = openDriver(to, { platform: denoPlatform });
const [row] = await sql`select ${42}::bigint as answer`;
await sql.end();

console.log(
  JSON.stringify({
    ssl,
    bytes,
    rows,
    dumped: dump.includes('PostgreSQL database dump complete'),
    driver: row!.answer,
    untrusted: await codeOf(url),
    missing: await codeOf('postgres://u@127.0.0.1:1/d'),
  }),
);
