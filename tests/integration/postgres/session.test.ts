import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { CopyOptions, PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { beginSnapshot } from '../../../supabase/functions/_shared/postgres/snapshot.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase } from '../../support/template-database.ts';

async function copyText(
  session: PgSession,
  sql: string,
  options?: CopyOptions,
): Promise<{ text: string; rows: number }> {
  const blocks: Uint8Array[] = [];
  let rows = 0;
  for await (const block of session.copyOut(sql, options)) {
    blocks.push(block.bytes);
    rows += block.rows;
  }
  return { text: Buffer.concat(blocks).toString(), rows };
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

for (const major of POSTGRES_MAJORS) {
  test(`sessions on PostgreSQL ${major}`, async (t) => {
    const database = await createTestDatabase({ major, template: 'empty' });
    t.after(() => database.drop());
    const open = () => openSession(nodePlatform, database.adminUrl);

    await t.test('nothing is rounded, filtered or cut short by settings', async () => {
      const session = await open();
      const [row] = await session.query(
        `select current_setting('statement_timeout'), current_setting('search_path'), current_setting('row_security'),
                0.1::float8 + 0.2::float8, timestamptz '2026-01-14 02:00+02', current_setting('client_encoding')`,
      );
      assert.deepEqual(row, ['0', '""', 'off', '0.30000000000000004', '2026-01-14 00:00:00+00', 'UTF8']);
      assert.equal(Math.floor(session.serverVersionNum / 10_000), major);
      assert.deepEqual(await session.query('select pg_backend_pid()'), [[String(session.backendPid)]]);
      await session.close();
      await session.close();
    });

    await t.test('a failed statement is an error with its SQLSTATE, and the session goes on', async () => {
      const session = await open();
      await assert.rejects(session.query('select 1/0'), { code: 'QUERY_FAILED', details: { sqlState: '22012' } });
      assert.deepEqual(await session.query("select 'é', null"), [['é', null]]);
      await assert.rejects(copyText(session, 'copy (select 1/x from generate_series(0, 0) x) to stdout'), {
        code: 'QUERY_FAILED',
      });
      assert.deepEqual(await copyText(session, 'copy (values (1), (2)) to stdout'), { text: '1\n2\n', rows: 2 });
      await session.close();
    });

    await t.test('blocks of any size carry the same rows', async () => {
      const session = await open();
      const sql = "copy (select i, repeat('x', i % 300) from generate_series(1, 20000) i) to stdout";
      const whole = await copyText(session, sql);
      assert.equal(whole.rows, 20_000);
      assert.equal(whole.text.split('\n').length, 20_001);
      for (const blockBytes of [50, 1000, 65_536])
        assert.deepEqual(await copyText(session, sql, { blockBytes }), whole);
      await session.close();
    });

    await t.test('a header line is passed on and not counted', async () => {
      const session = await open();
      const csv = await copyText(session, 'copy (select 1 as a) to stdout (format csv, header)', { headerRows: 1 });
      assert.deepEqual(csv, { text: 'a\n1\n', rows: 1 });
      await session.close();
    });

    await t.test('a reader that stops early ends the statement on the server', async () => {
      const session = await open();
      const watcher = await open();
      for await (const block of session.copyOut('copy (select generate_series(1, 1e12::bigint)) to stdout')) {
        assert.ok(block.rows > 0);
        break;
      }
      const alive = () => watcher.query(`select from pg_stat_activity where pid = ${session.backendPid}`);
      for (let tries = 0; (await alive()).length > 0; tries++) {
        assert.ok(tries < 1200, 'the backend still works');
        await sleep(50);
      }
      await watcher.close();
    });

    await t.test('a copy above its limit is abandoned', async () => {
      const session = await open();
      const sql = "copy (select repeat('x', 100000) from generate_series(1, 1000)) to stdout";
      await assert.rejects(copyText(session, sql, { maxBytes: 3_000_000 }), { code: 'SLICE_TOO_LARGE' });
      await assert.rejects(session.query('select 1'), { code: 'DATABASE_CONNECTION_LOST' });
    });

    await t.test('a 300 MB value streams in bounded memory', { timeout: 240_000 }, async () => {
      const session = await open();
      const before = process.memoryUsage().rss;
      let bytes = 0;
      let rows = 0;
      let peak = 0;
      for await (const block of session.copyOut("copy (select repeat('v', 300000000)) to stdout")) {
        bytes += block.bytes.length;
        rows += block.rows;
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      assert.deepEqual([bytes, rows], [300_000_001, 1]);
      assert.ok(peak - before < 120 * 1024 * 1024, `${Math.round((peak - before) / 1e6)} MB more`);
      await session.close();
    });

    await t.test('copyIn loads what it is given, whatever the cuts, and says how many rows', async () => {
      const session = await open();
      await session.query('create table public.loaded (a integer, b text)');
      assert.equal(
        await session.copyIn('copy public.loaded from stdin', chunks('1\to', 'ne\n2', '\ttw', '', 'o\n')),
        2,
      );
      assert.deepEqual(await session.query('select * from public.loaded order by a'), [
        ['1', 'one'],
        ['2', 'two'],
      ]);
      await assert.rejects(session.copyIn('copy public.loaded from stdin', chunks('x\ty\n')), {
        code: 'QUERY_FAILED',
        details: { sqlState: '22P02' },
      });
      async function* broken() {
        yield Buffer.from('3\tthree\n');
        throw new Error('the store went away');
      }
      await assert.rejects(session.copyIn('copy public.loaded from stdin', broken()), /the store went away/);
      assert.deepEqual(await session.query('select count(*) from public.loaded'), [['2']]);
      await session.close();
    });

    await t.test('a refused copyIn stops reading its source', async () => {
      const session = await open();
      let sent = 0;
      async function* endless() {
        for (;;) {
          sent += 1;
          yield Buffer.from('not a number\ttext\n'.repeat(1000));
        }
      }
      await assert.rejects(session.copyIn('copy public.loaded from stdin', endless()), { code: 'QUERY_FAILED' });
      assert.ok(sent < 100_000);
      assert.deepEqual(await session.query('select 1'), [['1']]);
      await session.close();
    });

    await t.test('a backend that is terminated in the middle is a transient error', async () => {
      const session = await open();
      const killer = await open();
      const interrupted = { code: 'QUERY_INTERRUPTED', kind: 'transient', details: { sqlState: '57P01' } };
      const rejected = assert.rejects(session.query('select pg_sleep(30)'), interrupted);
      const kill = `select pg_terminate_backend(pid) from pg_stat_activity
        where pid = ${session.backendPid} and wait_event = 'PgSleep'`;
      while ((await killer.query(kill)).length === 0) await sleep(10);
      await rejected;
      await killer.close();
    });

    await t.test('an imported snapshot sees what its exporter sees, and is lost with it', async () => {
      const [first, second, writer] = [await open(), await open(), await open()];
      await writer.query('create table public.seen as select 1 as a');
      const snapshot = await beginSnapshot(first);
      await writer.query('insert into public.seen values (2)');
      const imported = await beginSnapshot(second, { import: snapshot.name });
      assert.equal(imported.pgSnapshot, snapshot.pgSnapshot);
      assert.match(snapshot.takenAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.match(snapshot.lsn!, /^[0-9A-F]+\/[0-9A-F]+$/);
      assert.deepEqual(await second.query('select count(*) from public.seen'), [['1']]);
      await assert
        .rejects(second.query('delete from public.seen'), { details: { sqlState: '25006', position: undefined } })
        .catch(() => {});
      await second.query('rollback');
      await first.query('rollback');
      await assert.rejects(beginSnapshot(second, { import: snapshot.name }), { code: 'SNAPSHOT_LOST' });
      await assert.rejects(beginSnapshot(second, { import: "x' or" }), { code: 'SNAPSHOT_LOST' });
      assert.deepEqual(await second.query('select count(*) from public.seen'), [['2']]);
      await Promise.all([first.close(), second.close(), writer.close()]);
    });

    await t.test('the driver gives exact bigints, both over its own socket and over ours', async () => {
      for (const platform of [undefined, nodePlatform]) {
        const sql = openDriver(database.adminUrl, { platform, applicationName: 'driver test' });
        const [row] = await sql`select 42::bigint as small, 9223372036854775807 as large, ${'é'}::text as text`;
        assert.deepEqual({ ...row }, { small: 42, large: '9223372036854775807', text: 'é' });
        const total = await sql.begin(async (inner) => {
          await inner`create temporary table n (i integer)`;
          await inner`insert into n ${inner([{ i: 1 }, { i: 2 }])}`;
          return inner`select sum(i) from n`;
        });
        assert.equal(total[0]!.sum, 3);
        await assert.rejects(sql`select 1/0`, { code: '22012' });
        await sql.end();
      }
    });

    await t.test('the driver over our socket fails with an error of the catalogue', async () => {
      const sql = openDriver('postgres://u@127.0.0.1:1/d', { platform: nodePlatform });
      await assert.rejects(sql`select 1`, { code: 'DATABASE_UNREACHABLE' });
      await sql.end();
    });
  });
}
