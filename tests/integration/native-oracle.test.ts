/** The judge is judged: a comparison by pg_dump calls equal what is equal, and names what is not. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import postgres from 'postgres';
import {
  comparePgDump,
  dumpDigest,
  libpqEnvironment,
  normaliseDumpLine,
} from '../../scripts/dev/oracle/dump-digest.ts';
import { ensureOracle } from '../../scripts/dev/oracle/ensure-oracle.ts';
import { POSTGRES_MAJORS } from '../support/postgres-server.ts';
import { createTestDatabase } from '../support/template-database.ts';

const oracles = new Map([
  [15, await ensureOracle(15)],
  [17, await ensureOracle(17)],
] as const);

async function run(url: string, text: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql.unsafe(text).finally(() => sql.end({ timeout: 5 }));
}

for (const major of POSTGRES_MAJORS) {
  const skip = !oracles.get(major) && `postgresql-client-${major} is not installed`;

  test(`pg_dump ${major} finds two databases equal until one cell differs`, { skip }, async () => {
    const a = await createTestDatabase({ major, template: 'empty' });
    const b = await createTestDatabase({ major, template: 'empty' });
    try {
      const create = `create table public.t (id integer, note text);
        insert into public.t select n, E'\\restrict row ' || n from generate_series(1, 1000) as n`;
      await run(a.url, create);
      await run(b.url, create);
      assert.equal((await comparePgDump(a.url, b.url, { major })).identical, true);
      // A row that looks like pg_dump's own \restrict line is data, not noise.
      await run(b.url, "update public.t set note = E'\\restrict Row 7' where id = 7");
      await run(b.url, 'update public.t set id = id');
      const different = await comparePgDump(a.url, b.url, { major, rowOrder: 'ignored' });
      assert.equal(different.identical, false);
      assert.match(different.difference, /restrict Row 7/);
    } finally {
      await Promise.all([a.drop(), b.drop()]);
    }
  });

  test(`the order of rows counts for pg_dump ${major} unless it is ignored, and duplicates always count`, {
    skip,
  }, async () => {
    const a = await createTestDatabase({ major, template: 'empty' });
    const b = await createTestDatabase({ major, template: 'empty' });
    try {
      await run(a.url, 'create table public.t (id integer); insert into public.t values (1), (2), (2)');
      await run(b.url, 'create table public.t (id integer); insert into public.t values (2), (1), (2)');
      assert.equal((await comparePgDump(a.url, b.url, { major })).identical, false);
      assert.equal((await comparePgDump(a.url, b.url, { major, rowOrder: 'ignored' })).identical, true);
      await run(b.url, 'delete from public.t where ctid = (select min(ctid) from public.t where id = 2)');
      assert.equal((await comparePgDump(a.url, b.url, { major, rowOrder: 'ignored' })).identical, false);
    } finally {
      await Promise.all([a.drop(), b.drop()]);
    }
  });

  test(`a digest by pg_dump ${major} is of the snapshot it is given`, { skip }, async () => {
    const database = await createTestDatabase({ major, template: 'empty' });
    const holder = postgres(database.url, { max: 1 });
    try {
      await run(database.url, 'create table public.t (id integer)');
      const before = await dumpDigest(database.url, { major });
      await holder.begin('isolation level repeatable read', async (tx) => {
        const [row] = await tx`select pg_export_snapshot() as snapshot`;
        await run(database.url, 'insert into public.t values (1)');
        assert.equal(await dumpDigest(database.url, { major, snapshot: row?.snapshot }), before);
        assert.notEqual(await dumpDigest(database.url, { major }), before);
      });
    } finally {
      await holder.end({ timeout: 5 });
      await database.drop();
    }
  });

  test(`psql ${major} connects with the environment alone, odd names included`, { skip }, async () => {
    const database = await createTestDatabase({ major, template: 'empty' });
    try {
      const psql = oracles.get(major)?.psql as string;
      const env = { PATH: process.env.PATH, ...libpqEnvironment(database.url) };
      const result = spawnSync(psql, ['-XAtc', 'select current_user || current_database()'], { env, encoding: 'utf8' });
      assert.equal(result.stdout, `postgres${database.name}\n`);
      assert.equal(libpqEnvironment('postgresql://a%40b:p%2Fw@h/d%C3%A9').PGDATABASE, 'dé');
    } finally {
      await database.drop();
    }
  });
}

test('a database that cannot be dumped is an error with what pg_dump said', async (t) => {
  const oracle = oracles.get(17);
  if (!oracle) return t.skip('postgresql-client-17 is not installed');
  await assert.rejects(
    dumpDigest('postgresql://nobody:x@127.0.0.1:1/none'),
    (error: { code: string; details: { stderr: string } }) => {
      assert.equal(error.code, 'ORACLE_FAILED');
      assert.match(error.details.stderr, /Connection refused/);
      return true;
    },
  );
});

test('only version comments and restrict tokens are taken out of a dump', () => {
  assert.equal(normaliseDumpLine('-- Dumped from database version 17.10'), undefined);
  assert.equal(normaliseDumpLine('-- Dumped by pg_dump version 17.11 (Debian 17.11-0+deb13u1)'), undefined);
  assert.equal(normaliseDumpLine('\\restrict a1B2'), '\\restrict');
  assert.equal(normaliseDumpLine('\\unrestrict a1B2'), '\\unrestrict');
  assert.equal(normaliseDumpLine('-- Dumped'), '-- Dumped');
});
