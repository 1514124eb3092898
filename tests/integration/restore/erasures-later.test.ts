/** Replays of the erasure ledger that are about time and size: addresses that were given again, and thousands of entries. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { entryKey, entryText, sha256Of } from '../../../supabase/functions/_shared/archive/erasure-entry-file.ts';
import type { ErasureLedger, LedgerEntry } from '../../../supabase/functions/_shared/archive/read-erasure-ledger.ts';
import {
  type ErasedTable,
  type ErasureEntry,
  marksOf,
} from '../../../supabase/functions/_shared/domain/erasure-entry.ts';
import type { SubjectPath } from '../../../supabase/functions/_shared/domain/subject-types.ts';
import { TOOL } from '../../../supabase/functions/_shared/domain/tool.ts';
import { nodePlatform } from '../../../supabase/functions/_shared/platform-node.ts';
import { openSession } from '../../../supabase/functions/_shared/postgres/open-session.ts';
import { replayErasures } from '../../../supabase/functions/_shared/restore/replay-erasures.ts';
import { createTestDatabase, type TestDatabase } from '../../support/template-database.ts';
import { withSql } from '../export/export-harness.ts';

const PEOPLE = 5000;
const BEFORE = '2026-01-01T00:00:00Z';
const ERASED_AT = '2026-02-01T00:00:00.000Z';
const AFTER = '2026-03-01T00:00:00Z';
const idOf = (n: number) => `5eed0000-0000-4000-a000-${String(n).padStart(12, '0')}`;
const personOf = (n: number) => ({ id: idOf(n), email: `p${n}@example.com`, phone: null });

let database: TestDatabase;

before(async () => {
  database = await createTestDatabase({ major: 17, template: 'supabase' });
});
after(() => database.drop());

beforeEach(() =>
  withSql(database.adminUrl, async (sql) => {
    await sql.unsafe(`
      set client_min_messages = warning;
      drop table if exists public.letters, public.notes, public.events;
      delete from auth.users;
      insert into auth.users (id, email, aud, role)
      select ('5eed0000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid, 'p' || n || '@example.com', 'authenticated', 'authenticated'
      from generate_series(1, ${PEOPLE + 100}) as n;
      create table public.notes (id int primary key, user_id uuid not null references auth.users);
      insert into public.notes select row_number() over (), id from auth.users, generate_series(1, 2);
      create table public.letters (email text, sent text);
      insert into public.letters select email, 'news' from auth.users`);
  }),
);

const to = (columns: string[], end: string): SubjectPath => [
  { columns, to: { schema: 'auth', table: 'users', columns: [end] } },
];

const rest = { action: 'delete' as const, columns: [], unlink: [], keep: null };

function ledgerOf(count: number, more: readonly ErasedTable[] = []): ErasureLedger {
  const actions = [
    ...more,
    { ...rest, schema: 'public', table: 'letters', paths: [to(['email'], 'email')] },
    { ...rest, schema: 'public', table: 'notes', paths: [to(['user_id'], 'id')] },
    { ...rest, schema: 'auth', table: 'users', paths: [to(['id'], 'id')] },
  ];
  const paths = actions.flatMap((one) => one.paths);
  const entries: LedgerEntry[] = [];
  for (let n = 1; n <= count; n++) {
    const entry: ErasureEntry = {
      version: 1,
      erasure_id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      position: n,
      previous_sha256: entries.at(-1)?.sha256 ?? null,
      subject: marksOf(personOf(n), paths),
      erased_at: ERASED_AT,
      actions,
      files: { folderBuckets: [] },
      tool: TOOL,
    };
    const text = entryText(entry);
    entries.push({ key: entryKey(entry), entry, text, sha256: sha256Of(text), signed: false });
  }
  return { location: 'a store', entries, problems: [], signaturesChecked: false };
}

async function replay(count: number, takenAt: string, more: readonly ErasedTable[] = []) {
  const session = await openSession(nodePlatform, database.adminUrl, { applicationName: 'test' });
  try {
    const source = { kind: 'ledger', ledger: ledgerOf(count, more), allowDamaged: false } as const;
    const plan = { tables: [], partitioned: [] };
    const options = { tables: null, schemas: null, renameSchema: null };
    return await replayErasures(session, source, { plan, options, takenAt });
  } finally {
    await session.close();
  }
}

const count = (table: string, where: string) =>
  withSql(database.adminUrl, async (sql) => {
    const [row] = await sql.unsafe(`select count(*)::int as n from ${table} where ${where}`);
    return row!.n as number;
  });

async function newAccountWithAddressOf(n: number): Promise<void> {
  await withSql(database.adminUrl, async (sql) => {
    await sql`delete from public.notes where user_id in (${idOf(n)}, ${idOf(PEOPLE + 1)})`;
    await sql`delete from auth.users where id = ${idOf(n)}`;
    await sql`update auth.users set email = ${personOf(n).email} where id = ${idOf(PEOPLE + 1)}`;
  });
}

test('a new person with the address of an erased one keeps everything in a restore of a later backup', async () => {
  await newAccountWithAddressOf(1);
  const { check, rows } = await replay(1, AFTER);
  assert.deepEqual([check.verdict, rows], ['passed', 0], JSON.stringify(check));
  assert.equal(await count('public.letters', "email = 'p1@example.com'"), 1);
  assert.equal(await count('auth.users', "email = 'p1@example.com'"), 1);
});

test('an address that another account has in an older backup is left to it, and that is said', async () => {
  await newAccountWithAddressOf(1);
  const { check, rows } = await replay(1, BEFORE);
  assert.deepEqual([check.verdict, rows], ['inconclusive', 0], JSON.stringify(check));
  assert.match(check.findings.join(), /another account has it now/);
  assert.equal(await count('public.letters', "email = 'p1@example.com'"), 1);
});

test('an address that the person had when the backup was made leads to them, though it changed before the erasure', async () => {
  await withSql(database.adminUrl, async (sql) => {
    await sql`update auth.users set email = 'former@example.com' where id = ${idOf(1)}`;
    await sql`insert into public.letters values ('former@example.com', 'news')`;
  });
  const { check } = await replay(1, BEFORE);
  assert.equal(check.verdict, 'passed', JSON.stringify(check));
  assert.equal(await count('public.letters', "email in ('former@example.com', 'p1@example.com')"), 0);
});

for (const noted of [true, false])
  test(`json of which PostgreSQL makes no text stops no replay${noted ? '' : ', though the column was jsonb at the erasure'}`, async () => {
    await withSql(database.adminUrl, async (sql) => {
      await sql.unsafe('create table public.events (payload json)');
      await sql`insert into public.events select v::json from unnest(${[
        `{"user_id": "${idOf(1)}"}`,
        `{"x": "\\u0000"}`,
        `{"user_id": "\\u0000", "y": "\\ud800"}`,
        `{"user_id": "${idOf(1)}", "x": "\\u0000"}`,
        `{"user_id": "${idOf(2)}"}`,
      ]}::text[]) as v`;
    });
    const [hop] = to(['payload'], 'id');
    const path = [{ ...hop!, key: 'user_id', asText: true, ...(noted ? { rawJson: true } : {}) }];
    const { check } = await replay(1, BEFORE, [{ ...rest, schema: 'public', table: 'events', paths: [path] }]);
    assert.equal(check.verdict, 'passed', JSON.stringify(check));
    assert.equal(await count('public.events', `payload::text like '%${idOf(1)}%'`), 0);
    assert.equal(await count('public.events', 'true'), 3);
  });

test('5,000 erased people are erased again within 30 seconds, and nobody else', async () => {
  const { check, rows } = await replay(PEOPLE, BEFORE);
  assert.equal(check.verdict, 'passed', JSON.stringify(check).slice(0, 500));
  assert.equal(rows, PEOPLE * 4);
  assert.match(check.detail, /5000 people were in the backup/);
  assert.deepEqual(
    [await count('auth.users', 'true'), await count('public.notes', 'true'), await count('public.letters', 'true')],
    [100, 200, 100],
  );
  console.log(`# replay of 5,000 entries: ${check.seconds.toFixed(1)} s`);
  assert.ok(check.seconds < 30, `${check.seconds} s`);
});

test('one of many who cannot be erased is named, and the replay fails', async () => {
  await withSql(database.adminUrl, async (sql) => {
    await sql.unsafe(`create table public.holds (user_id uuid references auth.users on delete restrict);
      insert into public.holds values ('${idOf(17)}')`);
  });
  try {
    const { check } = await replay(30, BEFORE);
    assert.equal(check.verdict, 'failed');
    assert.match(
      check.findings.join(),
      /erasure 00000000-0000-4000-8000-000000000017 of 2026-02-01: .*holds_user_id_fkey/,
    );
  } finally {
    await withSql(database.adminUrl, (sql) => sql`drop table public.holds`);
  }
});
