/** The WebAssembly pg_dump against the native one, and what we take out of or add to its text. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { libpqEnvironment } from '../../../scripts/dev/oracle/dump-digest.ts';
import { ensureOracle } from '../../../scripts/dev/oracle/ensure-oracle.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { type DumpSectionOptions, dumpSection } from '../../../supabase/functions/_shared/postgres/dump-schema.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { pgDump } from '../../../supabase/functions/_shared/postgres/pg-dump.ts';
import { beginSnapshot } from '../../../supabase/functions/_shared/postgres/snapshot.ts';
import { GZIPPED_WASM } from '../../../supabase/functions/_shared/vendor/pg-dump/pg-dump-wasm.mjs';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase } from '../../support/template-database.ts';

const run = promisify(execFile);
const oracles = new Map([
  [15, await ensureOracle(15)],
  [17, await ensureOracle(17)],
] as const);

async function section(url: string, options: DumpSectionOptions): Promise<string> {
  const blocks: Uint8Array[] = [];
  for await (const block of dumpSection(nodePlatform, url, options)) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

async function wholeDump(url: string, args: string[]): Promise<string> {
  const blocks: Uint8Array[] = [];
  await pgDump(nodePlatform, url, { args, onData: (bytes) => blocks.push(bytes) });
  return Buffer.concat(blocks).toString();
}

/** Without what says which program wrote it, and when and with what key. */
function comparable(text: string): string[] {
  const noise = /^(-- Dumped (from|by) .*|\\(un)?restrict .*|SET transaction_timeout = 0;|)$/;
  return text.split('\n').filter((line) => !noise.test(line));
}

/**
 * pg_dump 15 says ALTER TABLE for views and sequences too, orders default privileges otherwise, and says ALL where 17
 * names them, because 17 knows one more that a server of 15 has not. Comments are the program's, and it counts large
 * objects to another section.
 */
function unversioned(text: string): string[] {
  const statements = comparable(text).filter((line) => !/^--|lo_create|LARGE OBJECT/.test(line));
  const renamed = statements.map((line) =>
    line
      .replace(/^ALTER (VIEW|SEQUENCE|MATERIALIZED VIEW) (.* OWNER TO )/, 'ALTER TABLE $2')
      .replace(/(GRANT|REVOKE) SELECT,INSERT,REFERENCES,DELETE,TRIGGER,TRUNCATE,UPDATE ON/, '$1 ALL ON')
      .replace(/^(ALTER DEFAULT PRIVILEGES .*(?:FUNCTIONS|SEQUENCES|TABLES|TYPES|SCHEMAS)) {2}/, '$1 '),
  );
  return renamed.sort();
}

test('the committed artifact is the one that was built: checksums hold', () => {
  const vendor = new URL('../../../supabase/functions/_shared/vendor/pg-dump/', import.meta.url);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
  const actual = new Map([
    ['pg-dump.mjs', sha256(readFileSync(new URL('pg-dump.mjs', vendor)))],
    ['pg-dump-wasm.mjs', sha256(readFileSync(new URL('pg-dump-wasm.mjs', vendor)))],
    ['pg-dump.wasm', sha256(gunzipSync(Buffer.from(GZIPPED_WASM, 'base64')))],
  ]);
  const lines = readFileSync(new URL('CHECKSUMS', vendor), 'utf8').trim().split('\n');
  assert.deepEqual(new Map(lines.map((line) => line.split(/ +/).reverse() as [string, string])), actual);
});

for (const major of POSTGRES_MAJORS) {
  test(`dumps of PostgreSQL ${major}`, async (t) => {
    const database = await createTestDatabase({ major, template: 'demo' });
    t.after(() => database.drop());
    const url = database.adminUrl;
    const session = await openSession(nodePlatform, url);
    const big = 'x'.repeat(300_000);
    await session.query(`
      create schema "Ünï.cødé""x"; create table "Ünï.cødé""x"."tä*b?le""$|" (id bigint generated always as identity, "a b" text);
      create table "Ünï.cødé""x"."täXbYle" (id serial primary key, parent integer references "Ünï.cødé""x"."täXbYle");
      select nextval('"Ünï.cødé""x"."täXbYle_id_seq"'), nextval('"Ünï.cødé""x"."täXbYle_id_seq"');
      create table public.counted_rows (); create sequence public.counted start 7; select setval('public.counted', 9, false);
      create function public.large() returns text language sql as $f$ select '${big}
\\restrict holdfast
SET transaction_timeout = 0;
' $f$;
      comment on table "Ünï.cødé""x"."täXbYle" is E'two\\nlines';
      select lo_create(4711);
    `);

    for (const args of [
      ['--schema-only'],
      ['--section=pre-data'],
      ['--section=post-data', '--quote-all-identifiers'],
    ]) {
      const native = async (program: string) =>
        (await run(program, args, { env: libpqEnvironment(url), maxBuffer: 64 * 1024 * 1024 })).stdout;

      const skip17 = !oracles.get(17) && 'postgresql-client-17 is not installed';
      await t.test(`the same lines as native pg_dump 17 for ${args.join(' ')}`, { skip: skip17 }, async () => {
        const expected = comparable(await native(oracles.get(17)!.pgDump));
        assert.deepEqual(comparable(await wholeDump(url, args)), expected);
      });

      const skip15 =
        (major !== 15 && 'its server is newer') || (!oracles.get(15) && 'postgresql-client-15 is not installed');
      await t.test(`the same statements as native pg_dump 15 for ${args.join(' ')}`, { skip: skip15 }, async () => {
        const expected = unversioned(await native(oracles.get(15)!.pgDump));
        assert.deepEqual(unversioned(await wholeDump(url, args)), expected);
      });
    }

    await t.test('sections carry no psql commands and nothing that an older server refuses', async () => {
      const text = await section(url, { section: 'pre-data' });
      assert.equal(text.match(/^\\(un)?restrict/gm)!.length, 1); // the one in the function's body
      assert.equal(text.match(/^SET transaction_timeout/gm)!.length, 1);
      assert.match(text, /CREATE TABLE "Ünï.cødé""x"."tä\*b\?le""\$\|"/);
      assert.ok(text.trimEnd().endsWith('--'));
      assert.equal(await section(url, { section: 'pre-data' }), text);
    });

    await t.test('exclusions are exact names, not patterns', async () => {
      const name = 'tä*b?le"$|';
      const text = await section(url, { section: 'pre-data', excludeTables: [{ schema: 'Ünï.cødé"x', name }] });
      assert.doesNotMatch(text, /tä\*b/);
      assert.match(text, /CREATE TABLE "Ünï.cødé""x"."täXbYle"/);
      assert.doesNotMatch(await section(url, { section: 'pre-data', excludeSchemas: ['Ünï.cødé"x'] }), /cødé/);
      assert.match(
        await section(url, { section: 'pre-data', excludeSchemas: ['ünï.*', 'Ünï_cødé"x', 'Ünï.cødé'] }),
        /cødé/,
      );
      const only = await section(url, { section: 'pre-data', tables: [{ schema: 'Ünï.cødé"x', name: 'täXbYle' }] });
      assert.deepEqual(only.match(/^CREATE TABLE .*$/gm), ['CREATE TABLE "Ünï.cødé""x"."täXbYle" (']);
    });

    await t.test('the data section sets the sequences and nothing else', async () => {
      const text = await section(url, { section: 'data', excludeSchemas: ['auth', 'storage', 'realtime'] });
      const lines = text.trimEnd().split('\n');
      assert.ok(lines.every((line) => line.startsWith('SELECT pg_catalog.setval(')));
      assert.ok(lines.includes(`SELECT pg_catalog.setval('"Ünï.cødé""x"."täXbYle_id_seq"', 2, true);`));
      assert.ok(lines.includes(`SELECT pg_catalog.setval('"public"."counted"', 9, false);`));
      assert.ok(lines.includes(`SELECT pg_catalog.setval('"Ünï.cødé""x"."tä*b?le""$|_id_seq"', 1, false);`));
      const [one, ...rest] = (
        await section(url, { section: 'data', tables: [{ schema: 'Ünï.cødé"x', name: 'täXbYle' }] })
      )
        .trimEnd()
        .split('\n');
      assert.match(one!, /täXbYle_id_seq/);
      assert.deepEqual(rest, []);
    });

    await t.test('the three sections make an equal schema in a fresh database', async () => {
      const target = await createTestDatabase({ major, template: 'empty' });
      const other = await openSession(nodePlatform, target.adminUrl);
      try {
        const exclude = [
          'auth',
          'storage',
          'cron',
          'net',
          'vault',
          'realtime',

          'graphql_public',
          'backup',
          'public',
        ];
        const options = { excludeSchemas: exclude };
        for (const name of ['pre-data', 'data', 'post-data'] as const)
          await other.query(await section(url, { section: name, ...options }));
        const of = (from: string) =>
          section(from, { section: 'pre-data', tables: [{ schema: 'Ünï.cødé"x', name: 'täXbYle' }] });
        assert.equal(await of(target.adminUrl), await of(url));
        assert.deepEqual(await other.query('select last_value, is_called from "Ünï.cødé""x"."täXbYle_id_seq"'), [
          ['2', 't'],
        ]);
      } finally {
        await other.close();
        await target.drop();
      }
    });

    await t.test('a dump sees the snapshot it is given, and says when it is gone', async () => {
      const snapshot = await beginSnapshot(session);
      const writer = await openSession(nodePlatform, url);
      await writer.query('create table public.made_after_the_snapshot (id serial)');
      for (const name of ['pre-data', 'data'] as const) {
        const text = await section(url, { section: name, snapshot: snapshot.name });
        assert.match(text, /"counted"/);
        assert.doesNotMatch(text, /made_after_the_snapshot/);
      }
      const sequences = { section: 'data', snapshot: snapshot.name } as const;
      await writer.query('alter sequence public.counted rename to recounted');
      await assert.rejects(section(url, sequences), { code: 'TABLES_CHANGED' });
      const excludeTables = [{ schema: 'public', name: 'counted' }];
      assert.doesNotMatch(await section(url, { ...sequences, excludeTables }), /counted/);
      await writer.query('drop sequence public.recounted');
      await assert.rejects(section(url, sequences), { code: 'TABLES_CHANGED', kind: 'transient' });
      await writer.close();
      await session.query('rollback');
      for (const name of ['pre-data', 'data'] as const) {
        await assert.rejects(section(url, { section: name, snapshot: snapshot.name }), { code: 'SNAPSHOT_LOST' });
      }
    });

    await t.test('what pg_dump refuses is PG_DUMP_FAILED with its log', async () => {
      await assert.rejects(
        wholeDump(url, ['--table=nothing_like_this']),
        (error: Error & { code: string; details: { log: string } }) => {
          assert.equal(error.code, 'PG_DUMP_FAILED');
          assert.match(error.details.log, /no matching tables were found/);
          return true;
        },
      );
      await assert.rejects(wholeDump(url, ['--no-such-option']), { code: 'PG_DUMP_FAILED' });
    });

    await t.test('a backend that dies during the dump is a lost connection, not a broken schema', async () => {
      // A lock that pg_dump has to wait for holds it in the middle.
      const holder = await openSession(nodePlatform, url);
      await holder.query('begin; lock table public.counted_rows in access exclusive mode');
      try {
        const work = wholeDump(url, ['--schema-only']).then(
          () => 'dumped',
          (error: { code: string }) => error.code,
        );
        const kill = `select pg_terminate_backend(pid) from pg_stat_activity
          where application_name = 'holdfast pg_dump' and datname = current_database() and wait_event_type = 'Lock'`;
        for (let tries = 0; (await session.query(kill)).length === 0; tries++) {
          assert.ok(tries < 3000, 'pg_dump never waited for the lock');
          await sleep(10);
        }
        assert.equal(await work, 'DATABASE_CONNECTION_LOST');
      } finally {
        await holder.close();
      }
    });

    await t.test('a reader that stops early leaves no connection', async () => {
      for await (const block of dumpSection(nodePlatform, url, { section: 'pre-data' })) {
        assert.ok(block.length > 0);
        break;
      }
    });
    await session.close();
  });
}
