/** Every user of the truth set reads exactly their rows, as the oracle's own SQL has them, and none of anyone else's. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { countSubjectRows } from '../../../supabase/functions/_shared/account/count-subject-rows.ts';
import { listSubjectFiles, type SubjectFile } from '../../../supabase/functions/_shared/account/list-subject-files.ts';
import { readSubjectSources } from '../../../supabase/functions/_shared/account/read-sources.ts';
import { readSubject } from '../../../supabase/functions/_shared/account/read-subject.ts';
import {
  openSubjectRows,
  type SubjectReadFacts,
  type SubjectRow,
  type SubjectRowsOptions,
} from '../../../supabase/functions/_shared/account/read-subject-rows.ts';
import type { SubjectCursor } from '../../../supabase/functions/_shared/account/subject-cursor.ts';
import type { Subject } from '../../../supabase/functions/_shared/domain/subject.ts';
import type { SubjectSource } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openDriver, type Sql } from '../../../supabase/functions/_shared/postgres/open-driver.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import type { PgSession } from '../../../supabase/functions/_shared/postgres/session.ts';
import {
  installSubjectTruthSet,
  TRUTH_TABLES,
  TRUTH_USERS,
  type TruthTable,
  truthFiles,
  truthQuery,
  truthUser,
} from '../../support/subject-truth-set.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';

interface Read {
  readonly rows: SubjectRow[];
  readonly columns: readonly string[];
  readonly facts: SubjectReadFacts;
  readonly blocks: number;
}

for (const major of [17, 15] as const) {
  describe(`a user's rows on PostgreSQL ${major}`, () => {
    let database: TestDatabase;
    let sql: Sql;
    let session: PgSession;
    let sources: SubjectSource[];

    before(async () => {
      database = await createTestDatabase({ major, template: 'holdfast' });
      await installSubjectTruthSet(database.url);
      sql = openDriver(database.url);
      session = await openSession(nodePlatform, database.url);
      ({ sources } = await readSubjectSources(sql));
    });
    after(async () => {
      await session.close();
      await sql.end();
      await database.drop();
    });

    const sourceOf = (table: string, schema = 'public') => {
      const found = sources.find((source) => source.table === table && source.schema === schema);
      assert.ok(found, `${schema}.${table} is mapped`);
      return found;
    };
    const read = (source: SubjectSource, subject: Subject, options: SubjectRowsOptions = {}) =>
      readAll(session, source, subject, options);
    /** JSON texts and cells of the oracle's rows, by the driver, in no order. */
    const oracle = async (truth: TruthTable, n: number) => {
      const query = truthQuery(truth, truthUser(n));
      const raw = await sql.unsafe(`select row_to_json(x)::text, x.* from (${query}) x`).simple().raw();
      const rows = raw.map((row) => row.map((cell) => (cell === null ? null : new TextDecoder().decode(cell))));
      return { json: rows.map(([json]) => json).sort(), cells: rows.map((row) => row.slice(1).join('|')).sort() };
    };

    test('are what the oracle says, for every user, table and byte', async () => {
      const users = major === 17 ? TRUTH_USERS : 20;
      await sql`set search_path = public`; // of the one connection, as the oracle's conditions name tables plainly
      let compared = 0;
      for (let n = 1; n <= users; n++) {
        const { subject, claims } = (await readSubject(sql, truthUser(n).id))!;
        for (const truth of TRUTH_TABLES) {
          const label = `user ${n}, ${truth.schema}.${truth.table}`;
          const { rows } = await read(sourceOf(truth.table, truth.schema), subject, { claims });
          const expected = await oracle(truth, n);
          assert.deepEqual(rows.map(({ json }) => json).sort(), expected.json, label);
          const cells = rows.map((row) => row.cells.join('|')).sort();
          assert.deepEqual(cells, expected.cells, `${label}, cells`);
          compared += rows.length;
        }
      }
      assert.ok(compared > users * 20, `${compared} rows were compared`);
      assert.deepEqual(
        sources.map(({ schema, table }) => `${schema}.${table}`).sort(),
        TRUTH_TABLES.map(({ schema, table }) => `${schema}.${table}`).sort(),
      );
    });

    test('can be read on from after any block, and rows added meanwhile neither repeat nor skip others', async () => {
      const { subject } = (await readSubject(sql, truthUser(11).id))!;
      for (const { source, grow } of [
        { source: sourceOf('activity'), grow: "insert into activity values (-1, '2026-01-02', $1, 'late')" },
        {
          source: sourceOf('usage_events'),
          grow: "insert into usage_events (id, user_id, kind) values (-1, $1, 'late')",
        },
        { source: sourceOf('support_tickets'), grow: "insert into support_tickets values ($1, now(), 'late')" },
        { source: sourceOf("Kunden'; drop table x;--", 'Büro "Nord"'), grow: null },
        { source: sourceOf('messages'), grow: null },
      ]) {
        const whole = (await read(source, subject)).rows.map(({ json }) => json);
        for (let stop = 1; stop <= 2; stop++) {
          const seen: string[] = [];
          let cursor: SubjectCursor | null = null;
          for (let more = true; more; ) {
            more = false;
            const reading = await openSubjectRows(session, source, subject, { after: cursor, blockBytes: 1 });
            let blocks = 0;
            for await (const block of reading) {
              seen.push(...block.rows.map(({ json }) => json));
              // As it is kept between the calls of a job.
              cursor = JSON.parse(JSON.stringify(block.cursor)) as SubjectCursor;
              if (++blocks === stop) {
                more = true;
                break;
              }
            }
          }
          assert.deepEqual(seen, whole, source.table);
        }
        if (grow === null || whole.length < 2) continue;
        const start = await openSubjectRows(session, source, subject);
        const blocks = [];
        for await (const block of start) blocks.push(block);
        await sql.unsafe(grow, [subject.id]);
        const { rows } = await read(source, subject, { after: blocks.at(-1)!.cursor });
        const keyed = source.table !== 'support_tickets';
        assert.equal(
          rows.length,
          keyed ? 0 : 1,
          `${source.table}: a row before the cursor is not read, one behind it is`,
        );
        assert.equal((await read(source, subject)).rows.length, whole.length + 1);
      }
    });

    test('come in small blocks when rows are large, and the memory of a block is bounded', async () => {
      const { subject } = (await readSubject(sql, truthUser(13).id))!;
      await sql`insert into usage_events (user_id, kind) select ${subject.id}, repeat('x', 20000) from generate_series(1, 200)`;
      const reading = await openSubjectRows(session, sourceOf('usage_events'), subject, { blockBytes: 100_000 });
      const sizes: number[] = [];
      let rows = 0;
      for await (const block of reading) {
        rows += block.rows.length;
        sizes.push(block.rows.reduce((sum, { json }) => sum + json.length, 0));
      }
      assert.equal(rows, 201);
      assert.ok(Math.max(...sizes.slice(1)) < 100_000, `the largest block had ${Math.max(...sizes)} characters`);
    });

    test('are no larger in memory for having been small before, or for being stored small', async () => {
      const { subject } = (await readSubject(sql, truthUser(14).id))!;
      await sql.unsafe('create table swelling (id int primary key, user_id uuid, body text, facts jsonb)');
      await sql`insert into swelling select n, ${subject.id},
        repeat('x', case when n <= 6000 then 1 else 1000000 end), jsonb_build_object('a', repeat('y', case when n > 6020 then 900000 else 1 end))
        from generate_series(1, 6040) n`;
      const source = { ...sourceOf('usage_events'), table: 'swelling', columns: [] };
      const reading = await openSubjectRows(session, source, subject);
      const ids: number[] = [];
      for await (const { rows } of reading) {
        ids.push(...rows.map(({ cells }) => Number(cells[0])));
        const size = rows.reduce((sum, { json }) => sum + json.length, 0);
        assert.ok(size < 600_000 || rows.length === 1, `${rows.length} rows of ${size} characters in one block`);
      }
      assert.deepEqual(
        ids,
        Array.from({ length: 6040 }, (_, n) => n + 1),
      );
      await assert.rejects(read(source, subject, { maxRowBytes: 1_500_000 }), {
        code: 'EXPORT_TOO_LARGE',
        message: /a row of public\.swelling has 19\d{5} bytes, and one of an export must have at most 1500000/,
      });
      const limits = { maxRows: 10_000, maxBytes: 60_000_000, statementTimeoutMs: 20_000 };
      const counts = await countSubjectRows(session, { sources: [source], subject, limits });
      assert.ok(counts.bytes > 55_000_000 && counts.bytes < 60_000_000, `${counts.bytes} bytes`);
      await sql.unsafe('drop table swelling');
    });

    test('over which a policy stumbles are hidden, as they are from the API, and no others', async () => {
      const { subject } = (await readSubject(sql, truthUser(15).id))!;
      await sql.unsafe('create table rated (id int primary key, user_id uuid, level text, internal boolean)');
      await sql.unsafe('grant select on rated to authenticated; alter table rated enable row level security');
      await sql.unsafe(
        'create policy lower_levels on rated for select to authenticated using (not internal and level::int < 9)',
      );
      await sql`insert into rated select n, ${subject.id}, case n when 17 then 'x' else '1' end, n % 10 = 0 from generate_series(1, 100) n`;
      const source = { ...sourceOf('usage_events'), table: 'rated', columns: [] };
      const { rows, facts } = await read(source, subject);
      const ids = rows.map(({ cells }) => Number(cells[0]));
      assert.deepEqual(
        ids,
        Array.from({ length: 100 }, (_, n) => n + 1).filter((n) => n !== 17 && n % 10 !== 0),
      );
      assert.deepEqual(facts, { way: 'policies', reason: null, matched: 100, hidden: 11 });
      // A claim that the user may write must not switch the policy off.
      await sql.unsafe(
        "create policy claimed on rated as restrictive for select to authenticated using ((auth.jwt() -> 'user_metadata' ->> 'level')::int > 0)",
      );
      const all = await read(source, subject, { claims: { user_metadata: { level: 'x' } } });
      assert.deepEqual([all.rows.length, all.facts.hidden], [0, 100]);
      assert.equal((await read(source, subject, { claims: { user_metadata: { level: 1 } } })).facts.way, 'policies');
      await sql.unsafe('drop table rated');
    });

    test('that policies hide stay, and are counted', async () => {
      const { subject, claims } = (await readSubject(sql, truthUser(5).id))!;
      const notes = await read(sourceOf('private_notes'), subject, { claims });
      assert.deepEqual(notes.facts, { way: 'policies', reason: null, matched: 3, hidden: 1 });
      assert.ok(notes.rows.every(({ json }) => JSON.parse(json).hidden === false));
      const owner = await read({ ...sourceOf('private_notes'), readAs: 'owner' }, subject, { claims });
      assert.equal(owner.facts.way, 'filter');
      assert.equal(owner.rows.length, 3);
      assert.match((await read(sourceOf('addresses'), subject)).facts.reason!, /no policy/);
    });

    test('are under the policies only where the API may read the table, and intermediate tables need no rights', async () => {
      const { subject } = (await readSubject(sql, truthUser(6).id))!;
      await sql.unsafe('alter table member_documents enable row level security');
      await sql.unsafe('create policy "all" on member_documents for select to authenticated using (true)');
      await sql.unsafe('revoke all on tenant_members from authenticated, anon');
      const [theirs] = await sql`select user_id from tenant_members where user_id is not null limit 1`;
      const member = { id: theirs!.user_id as string, email: null, phone: null };
      const documents = await read(sourceOf('member_documents'), member);
      assert.deepEqual(documents.facts, { way: 'policies', reason: null, matched: 1, hidden: 0 });
      await sql.unsafe('revoke select on private_notes from authenticated');
      assert.equal((await read(sourceOf('private_notes'), subject)).facts.way, 'filter');
      await sql.unsafe('grant select on private_notes to authenticated');
    });

    test('of partitioned tables are under the policies of the whole, though addresses repeat between partitions', async () => {
      const { subject } = (await readSubject(sql, truthUser(7).id))!;
      await sql.unsafe('alter table activity enable row level security');
      await sql.unsafe(`create policy early on activity using (auth.uid() = user_id and at < '2026-03-01')`);
      const { rows, facts } = await read(sourceOf('activity'), subject);
      const visible = await sql`select id from activity where user_id = ${subject.id} and at < '2026-03-01'`;
      assert.equal(facts.way, 'policies');
      assert.equal(facts.hidden, facts.matched - visible.length);
      assert.ok(facts.hidden > 0 && rows.length === visible.length);
      await sql.unsafe('alter table activity disable row level security');
    });

    test('do not stop at policies that fail, and say so', async () => {
      const { subject } = (await readSubject(sql, truthUser(7).id))!;
      await sql.unsafe('alter table invoices enable row level security');
      await sql.unsafe(
        'create policy endless on invoices using (exists (select from invoices i where i.id = invoices.id))',
      );
      const { rows, facts } = await read(sourceOf('invoices'), subject);
      assert.equal(rows.length, 7 % 3);
      assert.equal(facts.way, 'filter');
      assert.match(facts.reason!, /42P17/);
      const [role] = await session.query('select current_user, current_setting($$row_security$$)');
      assert.deepEqual(role, ['postgres', 'off']);
      await sql.unsafe('alter table invoices disable row level security');
    });

    test('see policies that ask for claims of the token', async () => {
      const { subject, claims } = (await readSubject(sql, truthUser(9).id))!;
      await sql.unsafe('alter table comments enable row level security');
      await sql.unsafe(`create policy claims on comments using ((auth.jwt() -> 'app_metadata' ->> 'provider') = 'email'
        and auth.jwt() ->> 'email' = 'user9@example.org')`);
      const source = sourceOf('comments');
      assert.equal((await read(source, subject, { claims })).facts.hidden, 0);
      assert.equal((await read(source, subject)).facts.hidden, 1);
      await sql.unsafe('alter table comments disable row level security');
    });

    test('hold no secrets, whatever the table, unless the owner wrote that one stays', async () => {
      const { subject } = (await readSubject(sql, truthUser(10).id))!;
      for (const source of sources) {
        const { rows } = await read(source, subject);
        for (const { json, cells } of rows) assert.doesNotMatch(`${json} ${cells.join(' ')}`, /secret-/, source.table);
      }
      const rule = { column: 'api_key', rule: 'keep', unlessOwn: null, anonymise: null } as const;
      const kept = await read({ ...sourceOf('api_clients'), columns: [rule] }, subject);
      assert.deepEqual(kept.columns, ['id', 'user_id', 'label', 'api_key']);
      const hashed = await read({ ...sourceOf('api_clients'), columns: [{ ...rule, rule: 'hash' }] }, subject);
      assert.deepEqual(hashed.columns, ['id', 'user_id', 'label']);
    });

    test('are counted without being read, and no further than a limit', async () => {
      const { subject } = (await readSubject(sql, truthUser(23).id))!;
      const limits = { maxRows: 100_000, maxBytes: 1e9, statementTimeoutMs: 5000 };
      const all = await countSubjectRows(session, { sources, subject, limits });
      let rowsRead = 0;
      for (const source of sources) rowsRead += (await read(source, subject)).facts.matched;
      assert.equal(all.rows, rowsRead);
      assert.equal(all.complete, true);
      assert.ok(all.bytes > all.rows * 8);
      const few = await countSubjectRows(session, { sources, subject, limits: { ...limits, maxRows: 5 } });
      assert.equal(few.complete, false);
      assert.ok(few.rows > 5 && few.rows <= 6);
      const small = await countSubjectRows(session, { sources, subject, limits: { ...limits, maxBytes: 10 } });
      assert.equal(small.complete, false);
      const locked = { ...sourceOf('invoices'), table: 'locked_rows' };
      await sql.unsafe('create table locked_rows (user_id uuid)');
      await sql`insert into locked_rows values (${subject.id})`;
      const blocker = await sql.reserve();
      await blocker.unsafe('begin; lock table locked_rows in access exclusive mode').simple();
      const timed = await countSubjectRows(session, {
        sources: [locked],
        subject,
        limits: { ...limits, statementTimeoutMs: 100 },
      });
      await blocker.unsafe('rollback');
      blocker.release();
      assert.deepEqual(timed, { sources: [], rows: 0, bytes: 0, complete: false });
    });

    test('name their files: uploaded, owned in the old way, or in the folder named for the user', async () => {
      for (const n of [1, 2, 5, 10, 40, 199]) {
        const user = truthUser(n);
        const found: SubjectFile[] = [];
        for (let after: SubjectFile | null = null; ; ) {
          const page: SubjectFile[] = await listSubjectFiles(sql, user, { after, limit: 1 });
          if (page.length === 0) break;
          found.push(...page);
          after = page.at(-1)!;
        }
        const expected = await sql.unsafe(
          `select bucket_id || '/' || name as path from storage.objects o where ${truthFiles(user)}`,
        );
        assert.deepEqual(
          found.map(({ bucket, name }) => `${bucket}/${name}`).sort(),
          expected.map(({ path }) => path as string).sort(),
        );
        assert.deepEqual(found, await listSubjectFiles(sql, user));
      }
      const [file] = await listSubjectFiles(sql, truthUser(1));
      assert.equal(file!.sizeBytes, 100);
      assert.equal(file!.mimetype, 'text/plain');
      await sql`delete from backup.setting where name = 'subject_file_folders'`;
      assert.equal((await listSubjectFiles(sql, truthUser(1))).length, 1);
    });

    test('are refused when the key changed between two readings', async () => {
      const { subject } = (await readSubject(sql, truthUser(2).id))!;
      const after = { by: ['other'], after: ['1'] };
      await assert.rejects(read(sourceOf('addresses'), subject, { after }), { code: 'SUBJECT_CURSOR_INVALID' });
      await assert.rejects(read({ ...sourceOf('addresses'), table: 'gone' }, subject), {
        code: 'SUBJECT_SOURCE_INVALID',
      });
      // The session goes on.
      assert.deepEqual(await session.query('select 1'), [['1']]);
    });
  });
}

async function readAll(
  session: PgSession,
  source: SubjectSource,
  subject: Subject,
  options: SubjectRowsOptions,
): Promise<Read> {
  const reading = await openSubjectRows(session, source, subject, options);
  const rows: SubjectRow[] = [];
  let blocks = 0;
  for await (const block of reading) {
    rows.push(...block.rows);
    blocks++;
  }
  return { rows, columns: reading.columns, facts: reading.facts, blocks };
}
