/** A policy that fails: when its definition is wrong it has no say; when it fails over what users wrote it hides rows. */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { openSubjectRows } from '../../../supabase/functions/_shared/account/read-subject-rows.ts';
import type { Subject } from '../../../supabase/functions/_shared/domain/subject.ts';
import type { SubjectSource } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver, type Sql } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

const SUBJECT: Subject = { id: '5eed0000-0000-4000-a000-0000000000aa', email: null, phone: null };
const SOURCE: SubjectSource = {
  ...{ schema: 'public', table: 'tickets', category: 'messages', readAs: 'auto', erase: 'delete' },
  ...{ keepReason: null, keepFor: null, columns: [] },
  paths: [[{ columns: ['user_id'], to: { schema: 'auth', table: 'users', columns: ['id'] } }]],
};
/** Of twenty. */
const INTERNAL = 7;

for (const major of [17, 15] as const) {
  describe(`on PostgreSQL ${major}`, () => {
    let database: TestDatabase;
    let sql: Sql;
    let session: PgSession;

    before(async () => {
      database = await createTestDatabase({ major, template: 'holdfast' });
      sql = openDriver(database.url);
      session = await openSession(nodePlatform, database.url);
      await sql.unsafe(`
        create table public.tickets (id int primary key, user_id uuid, internal boolean, depth int, note text);
        create table public.member (user_id uuid, role text);
        grant select on public.tickets, public.member to authenticated;
        alter table public.tickets enable row level security`);
      await sql`
        insert into public.tickets
        select n, ${SUBJECT.id}, n = ${INTERNAL}, case when n = ${INTERNAL} then 1000000 else 1 end, 'note'
        from generate_series(1, 20) n`;
    });
    after(async () => {
      await session?.close();
      await sql?.end();
      await database?.drop();
    });
    afterEach(async () => {
      await sql.unsafe('drop policy if exists p on public.tickets; truncate public.member');
    });

    const policy = (condition: string) =>
      sql.unsafe(`create policy p on public.tickets for select to authenticated using (${condition})`);

    /** What the user's own request to the API meets: the SQLSTATE, or the ids. */
    async function fromApi(): Promise<string | number[]> {
      try {
        return await sql.begin(async (scope) => {
          const claims = JSON.stringify({ sub: SUBJECT.id, role: 'authenticated' });
          await scope`select set_config('request.jwt.claims', ${claims}, true)`;
          await scope.unsafe("set local search_path = 'public', 'extensions'; set local role authenticated");
          return (await scope`select id from public.tickets order by id`).map(({ id }) => id as number);
        });
      } catch (error) {
        return (error as { code: string }).code;
      }
    }

    async function read() {
      const reading = await openSubjectRows(session, SOURCE, SUBJECT);
      const ids: number[] = [];
      for await (const { rows } of reading) ids.push(...rows.map(({ cells }) => Number(cells[0])));
      const { way, reason, hidden } = reading.facts;
      return { ids, way, reason, hidden };
    }

    const others = Array.from({ length: 20 }, (_, n) => n + 1).filter((id) => id !== INTERNAL);
    const hidesInternal = { ids: others, way: 'policies', reason: null, hidden: 1 };

    test('a second membership of the user switches no policy off that expects one', async () => {
      await policy("not internal or (select role from member where user_id = auth.uid()) = 'staff'");
      await sql`insert into public.member values (${SUBJECT.id}, 'guest')`;
      assert.deepEqual(await read(), hidesInternal);
      await sql`insert into public.member values (${SUBJECT.id}, 'reader')`;
      assert.equal(await fromApi(), '21000');
      assert.deepEqual(await read(), hidesInternal);
    });

    test('nor does one that all rows need', async () => {
      await policy("(select role from member where user_id = auth.uid()) = 'staff'");
      await sql`insert into public.member values (${SUBJECT.id}, 'guest'), (${SUBJECT.id}, 'reader')`;
      assert.equal(await fromApi(), '21000');
      assert.deepEqual(await read(), { ids: [], way: 'policies', reason: null, hidden: 20 });
    });

    test('a row over which a function runs out of stack is hidden', async () => {
      await sql.unsafe(`
        create or replace function public.sink(depth int) returns int language plpgsql as
        $$ begin return case when depth <= 0 then 0 else public.sink(depth - 1) end; end $$`);
      await policy('public.sink(depth) = 0');
      assert.equal(await fromApi(), '54001');
      assert.deepEqual(await read(), hidesInternal);
    });

    for (const [name, raised] of [
      ['P0001', "raise exception 'not for you'"],
      ['42501', 'raise insufficient_privilege'],
      ['42601', "execute 'this is no SQL'"],
      ['P0003', 'select n into strict depth from generate_series(1, 2) n'],
      ['0A000', "raise feature_not_supported using message = 'x'"],
    ] as const) {
      test(`a row over which a function fails with ${name} is hidden, be it volatile or stable`, async () => {
        for (const volatility of ['volatile', 'stable']) {
          await sql.unsafe(`
            create or replace function public.may_see(internal boolean, depth int) returns boolean
            language plpgsql ${volatility} as $$ begin if internal then ${raised}; end if; return true; end $$`);
          await policy('public.may_see(internal, depth)');
          assert.equal(await fromApi(), name);
          assert.deepEqual(await read(), hidesInternal, volatility);
          await sql.unsafe('drop policy p on public.tickets');
        }
      });
    }

    test('a function that refuses the user as a whole hides everything', async () => {
      await sql.unsafe(`
        create or replace function public.require_member() returns boolean language plpgsql stable as
        $$ begin if not exists (select from public.member where user_id = auth.uid()) then
          raise insufficient_privilege; end if; return true; end $$`);
      await policy('(select public.require_member())');
      assert.equal(await fromApi(), '42501');
      assert.deepEqual(await read(), { ids: [], way: 'policies', reason: null, hidden: 20 });
      await sql`insert into public.member values (${SUBJECT.id}, 'guest')`;
      assert.equal((await read()).ids.length, 20);
    });

    test('a definition that no user can evaluate has no say, and the reason is told', async () => {
      const all = Array.from({ length: 20 }, (_, n) => n + 1);
      await sql.unsafe(
        'create table if not exists public.closed (user_id uuid); revoke all on public.closed from public',
      );
      await sql.unsafe('revoke all on public.closed from authenticated');
      for (const [condition, state] of [
        ['exists (select from public.closed c where c.user_id = auth.uid())', '42501'],
        ['exists (select from public.tickets t where t.id = tickets.id)', '42P17'],
      ] as const) {
        await policy(condition);
        assert.equal(await fromApi(), state);
        const reason = `the policies of the table fail with SQLSTATE ${state}`;
        assert.deepEqual(await read(), { ids: all, way: 'filter', reason, hidden: 0 });
        await sql.unsafe('drop policy p on public.tickets');
      }
    });
  });
}
