/** The DDL of every kind of object: dumped, cut into entries, and run again by several sessions, comes back the same. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { comparePgDump } from '../../../scripts/dev/oracle/dump-digest.ts';
import type { HoldfastError } from '../../../supabase/functions/_shared/errors.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { dumpSection } from '../../../supabase/functions/_shared/postgres/dump-schema.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import type { DumpEntry, HeldBack } from '../../../supabase/functions/_shared/restore/contracts.ts';
import { holdBack } from '../../../supabase/functions/_shared/restore/hold-back.ts';
import { bodiesThatName, renameSchema } from '../../../supabase/functions/_shared/restore/rename-schema.ts';
import { runEntries } from '../../../supabase/functions/_shared/restore/run-entries.ts';
import { runPreData } from '../../../supabase/functions/_shared/restore/run-pre-data.ts';
import { scheduleEntries } from '../../../supabase/functions/_shared/restore/schedule-entries.ts';
import { selectEntries } from '../../../supabase/functions/_shared/restore/select-entries.ts';
import { separateValidation } from '../../../supabase/functions/_shared/restore/separate-validation.ts';
import { splitDump } from '../../../supabase/functions/_shared/restore/split-dump.ts';
import { POSTGRES_MAJORS } from '../../support/postgres-server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

const FIXTURE = readFileSync(new URL('../../fixtures/every-object-kind.sql', import.meta.url), 'utf8');
/** Triggers and functions as webhooks make them; pg_net itself is not needed to create them. */
const WEBHOOKS = `
  create schema net; create schema supabase_functions;
  create function net.http_post(url text) returns bigint language sql as 'select 1::bigint';
  create function supabase_functions.http_request() returns trigger language plpgsql as 'begin return new; end';
  create function public.tell() returns trigger language plpgsql as $$ begin perform net.http_post('x'); return new; end $$;
  create function public.tell_all() returns trigger language plpgsql as $$ begin execute 'select public.tell()'; return new; end $$;
  create table public.told (id int primary key) partition by range (id);
  create table public.told_1 partition of public.told for values from (0) to (10);
  create table public.told_2 partition of public.told for values from (10) to (20);
  create trigger webhook after insert on public.told for each row execute function public.tell();
  create trigger indirectly after insert on public.told for each row execute function public.tell_all();
  create trigger "Web ""hook""" after insert on public.told_1 for each row execute function supabase_functions.http_request('http://x', 'POST');
  create trigger replica_only after delete on public.told_1 for each row execute function public.tell();
  create trigger off_already after delete on public.told_2 for each row execute function public.tell();
  alter table public.told_1 enable replica trigger replica_only;
  alter table public.told_1 disable trigger webhook;
  alter table public.told_2 disable trigger off_already;
  alter table public.told_2 enable always trigger webhook;`;
const NO_SUBSCRIPTION = 'drop subscription if exists kinds_subscription';

type Section = 'pre-data' | 'post-data';

async function dumped(url: string, section: Section, tables?: { schema: string; name: string }[]): Promise<string> {
  const blocks: Uint8Array[] = [];
  for await (const block of dumpSection(nodePlatform, url, { section, tables })) blocks.push(block);
  return Buffer.concat(blocks).toString();
}

const section = async (url: string, name: Section) => splitDump(await dumped(url, name));

async function sortedLines(...args: Parameters<typeof dumped>): Promise<string[]> {
  return (await dumped(...args))
    .split('\n')
    .filter((line) => !/^(--)?$/.test(line))
    .sort();
}

async function withSessions<T>(url: string, count: number, use: (sessions: PgSession[]) => Promise<T>): Promise<T> {
  const sessions = await Promise.all(Array.from({ length: count }, () => openSession(nodePlatform, url)));
  try {
    return await use(sessions);
  } finally {
    for (const session of sessions) await session.close();
  }
}

async function execute(url: string, sql: string): Promise<(string | null)[][]> {
  return await withSessions(url, 1, ([session]) => session!.query(sql));
}

class Marks {
  readonly done = new Set<string>();
  readonly markSql = (key: string) => `insert into public.marks values ('${key}')`;
  readonly isDone = (key: string) => this.done.has(key);
  readonly onDone = (key: string) => void this.done.add(key);
}

async function runPre(url: string, entries: readonly DumpEntry[]): Promise<void> {
  const marks = { done: () => false, markSql: () => 'select 1', noted: () => {} };
  await withSessions(url, 1, ([session]) =>
    runPreData(session!, entries, { marks: marks as never, step: 'pre-data', tolerant: false }),
  );
}

/** Of the source that is looked at; its partitioned tables have foreign keys that stay whole. */
let preData: DumpEntry[];

async function runPost(url: string, entries: readonly DumpEntry[], marks = new Marks(), jobs = 3): Promise<void> {
  await withSessions(url, jobs, (sessions) =>
    runEntries({
      sessions,
      stages: separateValidation(scheduleEntries(entries), preData),
      signal: new AbortController().signal,
      tolerant: false,
      isDone: marks.isDone,
      markSql: marks.markSql,
      onDone: marks.onDone,
    }),
  );
}

for (const major of POSTGRES_MAJORS) {
  describe(`every kind of object on PostgreSQL ${major}`, () => {
    let source: TestDatabase;
    let postData: DumpEntry[];

    /** A database for one test, with the table that its marks go to. */
    async function withTarget(use: (url: string) => Promise<void>): Promise<void> {
      const target = await createTestDatabase({ major, template: 'empty' });
      try {
        await execute(target.adminUrl, 'create table public.marks (key text primary key)');
        await use(target.adminUrl);
      } finally {
        await execute(target.adminUrl, NO_SUBSCRIPTION);
        await target.drop();
      }
    }

    async function assertSame(url: string, args: readonly string[] = []): Promise<void> {
      const { identical, difference } = await comparePgDump(source.adminUrl, url, {
        schemaOnly: true,
        args: ['--exclude-table=public.marks', ...args],
      });
      assert.ok(identical, difference);
    }

    before(async () => {
      source = await createTestDatabase({ major, template: 'empty' });
      await execute(source.adminUrl, FIXTURE);
      await execute(source.adminUrl, WEBHOOKS);
      preData = await section(source.adminUrl, 'pre-data');
      postData = await section(source.adminUrl, 'post-data');
    });

    after(async () => {
      await execute(source.adminUrl, NO_SUBSCRIPTION);
      await source.drop();
    });

    test('comes back so that no line of pg_dump differs', async () => {
      await withTarget(async (url) => {
        await runPre(url, preData);
        const marks = new Marks();
        await runPost(url, postData, marks);
        await assertSame(url);
        const marked = await execute(url, 'select count(*) from public.marks');
        assert.equal(Number(marked[0]![0]), marks.done.size);
      });
    });

    test('comes back from any point at which it was stopped', async () => {
      await withTarget(async (url) => {
        await runPre(url, preData);
        const marks = new Marks();
        const half = postData.slice(0, Math.floor(postData.length / 2));
        const broken: DumpEntry = {
          name: 'kinds nope',
          type: 'TRIGGER',
          schema: 'kinds',
          owner: '',
          sql: 'select 1/0',
        };
        await assert.rejects(runPost(url, [...half, broken, ...postData.slice(half.length)], marks), (error) => {
          const { code, message, details } = error as HoldfastError;
          assert.equal(code, 'RESTORE_FAILED');
          assert.equal(message, 'TRIGGER kinds.kinds nope: division by zero');
          assert.equal(details.sqlState, '22012');
          return true;
        });
        assert.ok(marks.done.size > 20 && marks.done.size < postData.length);
        await runPost(url, postData, marks, 2);
        await assertSame(url);
      });
    });

    test('is held back in safe mode, and each item turns on exactly as it was', async () => {
      await withTarget(async (url) => {
        const held = [holdBack(preData, preData), holdBack(postData, preData)];
        await runPre(url, held[0]!.entries);
        await runPost(url, held[1]!.entries);
        const awake = await execute(
          url,
          `select 'trigger ' || tgname from pg_trigger join pg_proc f on f.oid = tgfoid
             where proname in ('tell', 'tell_all', 'http_request') and tgenabled <> 'D'
           union all select 'event trigger ' || evtname from pg_event_trigger where evtenabled <> 'D'
           union all select 'publication ' || pubname from pg_publication
           union all select 'subscription ' || subname from pg_subscription join pg_database d on d.oid = subdbid where datname = current_database()`,
        );
        assert.deepEqual(awake, []);
        const off = await execute(url, `select tgname from pg_trigger where tgname = 'touched' and tgenabled = 'A'`);
        assert.equal(off.length, 1, 'a trigger that stays inside stays on');
        const items: HeldBack[] = held.flatMap(({ heldBack }) => heldBack);
        assert.deepEqual([...new Set(items.map(({ kind }) => kind))].sort(), [
          'event-trigger',
          'publication',
          'subscription',
          'trigger',
        ]);
        for (const { activateSql } of items) await execute(url, activateSql);
        await assertSame(url);
      });
    });

    test('a table that was lost comes back whole, among the others', async () => {
      await withTarget(async (url) => {
        await runPre(url, preData);
        await runPost(url, postData);
        const tables = ['customer', 'measure_2025', 'scratch', 'tree', 'booking'].map((name) => ({
          schema: 'kinds',
          name,
        }));
        const names = tables.map(({ name }) => `kinds.${name}`).join(', ');
        await execute(url, 'alter event trigger kinds_drop disable');
        await execute(url, 'drop index kinds.measure_only_parent'); // a partition that is attached would get one like it
        await execute(url, `drop table ${names} cascade`);
        const existing = await execute(
          url,
          `select nspname, relname from pg_class c join pg_namespace n on n.oid = relnamespace`,
        );
        const exists = (schema: string, name: string) => existing.some(([s, n]) => s === schema && n === name);
        const selection = { tables, schemas: null, exists, attachLater: true };
        const before = selectEntries(preData, selection);
        await runPre(url, before.entries);
        const rest = selectEntries(postData, { ...selection, sequences: before.sequences });
        assert.deepEqual(
          [...before.notes, ...rest.notes],
          ['customer', 'tree'].map(
            (name) => `kinds.${name} is not added to the publication kinds_some, which is not restored`,
          ),
        );
        await execute(url, 'truncate public.marks');
        await runPost(url, [...rest.entries, ...before.later, ...rest.later]);
        const defaults =
          'select defaclnamespace::regnamespace, defaclobjtype, defaclacl from pg_default_acl order by 1, 2';
        assert.deepEqual(await execute(url, defaults), await execute(source.adminUrl, defaults));
        // pg_dump orders what depends on each other by when it was made: the same lines, in any order.
        for (const name of ['pre-data', 'post-data'] as const)
          assert.deepEqual(await sortedLines(url, name, tables), await sortedLines(source.adminUrl, name, tables));
      });
    });

    test('a schema comes back under another name', async () => {
      await withTarget(async (url) => {
        const exists = () => false;
        // Of no schema, and needed by what is in this one.
        await runPre(
          url,
          preData.filter(({ type }) => ['', 'ACCESS METHOD', 'FOREIGN DATA WRAPPER', 'SERVER'].includes(type)),
        );
        const moved = (entries: DumpEntry[]) =>
          selectEntries(entries, { tables: null, schemas: ['kinds'], exists }).entries.map((entry) => ({
            ...entry,
            sql: renameSchema(entry.sql, { from: 'kinds', to: 'Mo"ved', names: null }),
          }));
        await runPre(url, moved(preData));
        await runPost(url, moved(postData));
        const count = async (at: string, schema: string) =>
          await execute(
            at,
            `select 'rel', relkind::text, count(*) from pg_class where relnamespace = '${schema}'::regnamespace group by 2
             union all select 'con', contype::text, count(*) from pg_constraint where connamespace = '${schema}'::regnamespace group by 2
             union all select 'fun', prokind::text, count(*) from pg_proc where pronamespace = '${schema}'::regnamespace group by 2
             union all select 'pol', '', count(*) from pg_policy p join pg_class c on c.oid = polrelid where relnamespace = '${schema}'::regnamespace
             order by 1, 2`,
          );
        assert.deepEqual(await count(url, '"Mo""ved"'), await count(source.adminUrl, 'kinds'));
        const left = await execute(url, `select nspname from pg_namespace where nspname = 'kinds'`);
        assert.deepEqual(left, []);
        const bodies = preData.flatMap(({ sql }) => bodiesThatName(sql, 'kinds')).join(' ');
        assert.match(bodies, /heading_in_body/);
      });
    });
  });
}
